// How the benchmarks print: a table for people and one line of JSON for programs.
import { machine } from './machine.ts';

export type Cell = string | number;

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => String(row[column] ?? '').length)));
  for (const row of all) {
    const cells = row.map((cell, n) => (n === 0 ? String(cell).padEnd(widths[n] ?? 0) : String(cell).padStart(widths[n] ?? 0)));
    process.stdout.write(`${cells.join('  ')}\n`);
  }
}

export function printJson(bench: string, figures: object): void {
  process.stdout.write(`${JSON.stringify({ bench, ...machine(), ...figures })}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** To so many digits after the point. */
export function rounded(value: number, digits = 0): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** The whole number after an option such as `--bundles`. */
export function numberOption(name: string, fallback: number): number {
  const at = process.argv.indexOf(name);
  if (at < 0) return fallback;
  const value = Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} takes a whole number.`);
  return value;
}
