/** A name from a file, safe to print: cut, and quoted where it holds anything unusual. */
export function printable(name: string): string {
  const short = name.length > 120 ? `${name.slice(0, 120)}…` : name
  return /^[\w.\-/…]+$/.test(short) ? short : JSON.stringify(short)
}
