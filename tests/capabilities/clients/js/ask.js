// Asks with Vimeo's own client: one request a line comes in as JSON, one answer a line goes out.
// Nothing of the client is changed but where its host is.
const readline = require('node:readline')
const { Vimeo, vimeo_module: settings } = require('@vimeo/vimeo')

const [host, port, token] = process.argv.slice(2)
Object.assign(settings.request_defaults, { protocol: 'http:', hostname: host, port })
const client = new Vimeo('an id', 'a secret', token)

const ask = options => new Promise(resolve => {
  client.request(options, (error, body, status, headers) => {
    resolve({ status, headers, body: error ? JSON.parse(body) : body })
  })
})

const run = async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await ask(JSON.parse(line))) + '\n')
  }
}
run()
