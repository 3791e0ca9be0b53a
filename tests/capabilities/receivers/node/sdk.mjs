// Stands in for VideoCloud's SDK: it makes the HTTP call that one makes, and checks signatures as documented.
import { verifyWebhookSignature } from './signature.cjs';

export class VideoCloud {
  constructor() {
    this.webhooks = { register, verifySignature: verifyWebhookSignature };
  }
}

async function register(webhook) {
  const answer = await fetch(`${process.env.VIDEOCLOUD_URL}/webhooks`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${process.env.VIDEOCLOUD_API_KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(webhook),
  });
  return (await answer.json()).data;
}
