// A model in a worker thread: the main thread sends texts and gets vectors, and ends the worker when it is done.
// node examples/worker.mts MODEL
// (One model is enough for most programs, since it has its own thread. Workers help if the surrounding code is CPU-intensive.)
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Model } from 'sentorch'

const texts = ['A cat sleeps on the sofa.', 'A kitten naps on the couch.', 'The tax return is due in May.']

if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: process.argv[2] ?? 'sentence-transformers/all-MiniLM-L6-v2' })
  worker.postMessage(texts)
  const [vectors] = (await once(worker, 'message')) as [Float32Array[]]
  vectors.forEach((vector, i) => console.log(`${vector.length} numbers  [${vector[0]?.toFixed(4)}, …]  ${texts[i]}`))
  worker.postMessage(null)
} else {
  const model = await Model.load(workerData as string)
  parentPort?.on('message', (message: string[] | null) => {
    if (message === null) parentPort?.close()
    else void model.encode(message).then((embeddings) => parentPort?.postMessage([...embeddings]))
  })
}
