// How the server's process is while it is treated badly: from its own metrics, and from the system.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { Product } from '../product.ts';
import { statusOf } from './world.ts';

export interface VitalSigns {
  /** Longest hold of the event loop since the last look. */
  readonly longestHoldMs: number;
  readonly residentMegabytes: number;
}

/** Beyond this the process has been led to hold what it should have refused. */
const maximumResidentMegabytes = 1500;

export async function vitalSigns(product: Product): Promise<VitalSigns> {
  const text = await (await fetch(`http://127.0.0.1:${product.metricsPort}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
  const resident = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${product.pid}/status`, 'utf8'))?.[1]);
  return { longestHoldMs: Math.round(value('nodejs_eventloop_lag_max_seconds') * 1000), residentMegabytes: Math.round(resident / 1024) };
}

/** The same process, ready, and not swollen. Holds of the event loop are reported only: on a shared machine they are not ours alone. */
export async function assertWell(product: Product, after: string, report: (line: string) => void): Promise<void> {
  assert.ok(existsSync(`/proc/${product.pid}`), `the process has ended: ${after}`);
  assert.equal(await statusOf(`${product.origin}/ready`, 20_000), 200, `not ready: ${after}`);
  const { longestHoldMs, residentMegabytes } = await vitalSigns(product);
  report(`${after}: event loop held at most ${longestHoldMs} ms, ${residentMegabytes} MB resident`);
  assert.ok(residentMegabytes < maximumResidentMegabytes, `${residentMegabytes} MB after ${after}`);
}
