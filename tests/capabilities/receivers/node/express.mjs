// Stands in for Express: the little of it that the sample of VideoCloud's documentation calls.
import http from 'node:http';

export default function express() {
  return {
    post(_path, middleware, handler) {
      const server = http.createServer((incoming, outgoing) => {
        const parts = [];
        incoming.on('data', (part) => parts.push(part));
        incoming.on('end', () => {
          const req = { headers: incoming.headers, body: Buffer.concat(parts) };
          const res = {
            status(code) {
              outgoing.statusCode = code;
              return res;
            },
            send: (text) => outgoing.end(text),
          };
          try {
            middleware(req, res, () => handler(req, res));
          } catch (error) {
            res.status(500).send(String(error));
          }
        });
      });
      server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
    },
  };
}

express.raw = () => (_req, _res, next) => next();
