import type { Command } from 'commander'
import type { CpuFeatures } from '../../binding'
import { diagnose, gatherFacts, type Diagnosis } from '../doctor/doctor'
import { bytesText } from './console'

export function register(program: Command): void {
  program
    .command('doctor')
    .description('Show what is installed and where, report problems, and say how to fix them. Exits with 1 if encode cannot work.')
    .option('--json', 'print the report as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const diagnosis = diagnose(await gatherFacts())
      process.stdout.write((json ? JSON.stringify(diagnosis, null, 2) : diagnosisText(diagnosis)) + '\n')
      if (!diagnosis.ok) process.exitCode = 1
    })
}

const SOURCES = { option: 'by option', environment: 'by SENTORCH_LIBTORCH', cache: 'our cache', python: `Python's` }

/** The report as text: one line per item, then each problem and its fix. */
export function diagnosisText(diagnosis: Diagnosis): string {
  const { sentorch, node, addon, libtorch, cpu, cpuProbe, devices, caches, problems, ok } = diagnosis
  const { found } = libtorch
  const parts = found
    ? [found.cudaLibraries.length > 0 ? 'with CUDA' : 'CPU only', found.includeDirs.length > 0 ? 'with headers' : 'no headers']
    : []
  const rows: [string, string][] = [
    ['sentorch', `${sentorch.version}  ${sentorch.folder}`],
    ['Node', `${node.version}  ${node.platform}${libcText(node)}`],
    ['addon', addon.path ?? 'none'],
    ['libtorch', found ? `${found.version} (${SOURCES[found.source]}, ${parts.join(', ')})  ${found.root}` : 'none'],
    ['', `${libtorch.needed} is needed`],
    ...(found ? [] : libtorch.places.map(({ place, found }): [string, string] => ['', `${place}  ${found}`])),
    ['CPU', `${cpu.model}, ${cpu.processors} threads`],
    ['', cpu.features ? featuresText(cpu.features) : 'features unknown'],
    ...(cpuProbe.library ? ([['kernels', cpuProbe.library.kernels]] as [string, string][]) : []),
    ['devices', devices.join(', ') || 'none'],
    ...caches.map(({ what, folder, bytes }, i): [string, string] => [
      i === 0 ? 'caches' : '',
      `${what}  ${bytes === null ? 'empty' : bytesText(bytes)}  ${folder}`,
    ]),
  ]
  const lines = rows.map(([name, text]) => `${name.padEnd(10)}${text}`)
  for (const { severity, problem, fix } of problems) {
    lines.push('', `${severity === 'error' ? 'WRONG' : 'NOTE '}     ${problem}`, ...(fix ? [`${'FIX'.padEnd(10)}${fix}`] : []))
  }
  return [...lines, '', ok ? 'Encode works here.' : 'Encode cannot work here.'].join('\n')
}

function libcText({ glibc, musl }: Diagnosis['node']): string {
  return glibc ? `, glibc ${glibc}` : musl ? ', musl' : ''
}

function featuresText(features: CpuFeatures): string {
  const { avx2, avx512, avx512Bf16, amxBf16 } = features
  const named = { AVX2: avx2, 'AVX-512': avx512, 'AVX-512 bf16': avx512Bf16, 'AMX bf16': amxBf16 }
  return Object.entries(named).map(([name, has]) => `${name} ${has ? 'yes' : 'no'}`).join(', ') // prettier-ignore
}
