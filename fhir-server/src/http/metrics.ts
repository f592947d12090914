// Prometheus metrics on their own loopback port: RED per interaction and the process; labels from a fixed list, no ids.
import { createServer } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FeedbackStore } from '../operational/feedback.ts';

const areas = /^\/(fhir|oauth|cds-services|app|launch)\b/;

/** Feedback on CDS cards as it stands in the store: a gauge, as every node gives the same number. */
function feedbackGauge(registry: Registry, feedback: FeedbackStore): void {
  const gauge = new Gauge({
    name: 'limen_cds_feedback',
    help: 'Feedback on cards by service, rule and outcome',
    labelNames: ['service', 'rule', 'outcome'],
    registers: [registry],
    async collect() {
      // Without the database the other figures are still told.
      for (const { count, ...labels } of await feedback.counts().catch(() => [])) gauge.set({ ...labels }, count);
    },
  });
}

/** A figure of another part of the process, as the text format names it; without labels' values of messages or persons. */
export interface Figure {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly { readonly labels: { readonly [name: string]: string }; readonly value: number }[];
}

export interface Metrics {
  close(): void;
  add(read: () => Promise<readonly Figure[]>): void;
}

function textOf({ name, help, type, samples }: Figure): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
    return `${name}{${pairs.join(',')}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** Counts and times every request of the app and answers `/metrics`. */
export function startMetrics(app: FastifyInstance, port: number, feedback: FeedbackStore): Metrics {
  const sources: (() => Promise<readonly Figure[]>)[] = [];
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  feedbackGauge(registry, feedback);
  const duration = new Histogram({
    name: 'limen_http_request_duration_seconds',
    help: 'Requests by area, method and status class',
    labelNames: ['area', 'method', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10],
    registers: [registry],
  });
  // The registry looks labels up by building texts: the few that exist are looked up once.
  const observers = new Map<string, ReturnType<typeof duration.labels>>();
  app.addHook('onResponse', (request, reply, done) => {
    const area = areas.exec(request.url)?.[1] ?? 'other';
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    const key = `${area} ${request.method} ${status}`;
    let observer = observers.get(key);
    if (!observer) {
      observer = duration.labels({ area, method: request.method, status });
      observers.set(key, observer);
    }
    observer.observe(reply.elapsedTime / 1000);
    done();
  });
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    const others = sources.map((read) => read().then((figures) => figures.map(textOf).join('')));
    Promise.all([registry.metrics(), ...others]).then(
      (texts) => response.writeHead(200, { 'content-type': registry.contentType }).end(texts.join('')),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(port, '127.0.0.1');
  return { close: () => void server.close(), add: (read) => void sources.push(read) };
}
