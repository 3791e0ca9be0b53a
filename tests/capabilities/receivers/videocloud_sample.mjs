import { VideoCloud } from '@videocloud/sdk';
import express from 'express';

const app = express();
const client = new VideoCloud({
  apiKey: 'your_api_key'
});

// Register webhook
const registerWebhook = async () => {
  const webhook = await client.webhooks.register({
    url: 'https://your-server.com/webhooks',
    events: ['video.uploaded', 'video.processed'],
    secret: 'your_webhook_secret'
  });
  console.log(webhook.id);
};

// Handle webhook
app.post('/webhooks', express.raw({ type: 'application/json' }), (req, res) => {
  const signature = req.headers['x-videocloud-signature'];
  const isValid = client.webhooks.verifySignature(
    req.body,
    signature,
    'your_webhook_secret'
  );

  if (!isValid) {
    return res.status(401).send('Invalid signature');
  }

  const event = JSON.parse(req.body);
  console.log(`Received ${event.event} event`);
  
  // Process webhook asynchronously
  processWebhook(event).catch(console.error);
  
  res.status(200).send('OK');
});
