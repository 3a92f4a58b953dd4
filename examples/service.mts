// An embedding service: POST /embed with {"texts": ["…"]} answers {"dimension": 384, "vectors": [[…]]}.
// node examples/service.mts MODEL PORT      SIGTERM and SIGINT finish running requests, then end the process.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Model, SentorchError } from 'sentorch'

const [where = 'sentence-transformers/all-MiniLM-L6-v2', port = '8080'] = process.argv.slice(2)
const MAX_BODY_BYTES = 10e6

const STATUS: Partial<Record<SentorchError['code'], number>> = { ERR_INVALID_ARGUMENT: 400, ERR_BUSY: 503, ERR_DISPOSED: 503 }

const model = await Model.load(where)

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    const status = error instanceof SentorchError ? (STATUS[error.code] ?? 500) : 400
    send(response, status, { error: error instanceof Error ? error.message : 'unknown' })
  })
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/health') return send(response, 200, { ok: true })
  if (request.method !== 'POST' || request.url !== '/embed') return send(response, 404, { error: 'POST /embed' })
  // If the client disconnects, its request is aborted.
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const { texts } = JSON.parse(await read(request)) as { texts: string[] }
  const embeddings = await model.encode(texts, { signal: gone.signal })
  send(response, 200, { dimension: embeddings.dimension, vectors: embeddings.toArray() })
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new RangeError(`The body is larger than ${MAX_BODY_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function send(response: ServerResponse, status: number, body: object): void {
  if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

server.listen(Number(port), () => {
  const address = server.address()
  console.log(`listening on ${typeof address === 'object' ? address?.port : address}`)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close(() => void model.dispose())
    server.closeIdleConnections()
  })
}
