// https://cds-hooks.hl7.org/2.0/ — requests of other implementations: valid current ones are served, unknown and retired hooks refused, feedback is taken.
import { startProduct } from '../../product.ts';
import { ask, type Json, list } from '../../rest-client.ts';
import { readJson, type Suite } from '../suite.ts';

/** Of the hook library, what a request's context must have. */
const requiredContext: { readonly [hook: string]: readonly string[] | undefined } = {
  'patient-view': ['userId', 'patientId'],
  'order-select': ['userId', 'patientId', 'selections', 'draftOrders'],
  'order-sign': ['userId', 'patientId', 'draftOrders'],
};
/** Current hooks that Limen has no service for. */
const notBuilt = new Set(['appointment-book', 'encounter-start', 'encounter-discharge', 'order-dispatch']);

interface Call {
  readonly status: number;
  readonly text: string;
  readonly cards: boolean;
}

async function send(url: string, body: Json): Promise<Call> {
  const answer = await ask(url, { body, headers: { 'content-type': 'application/json' } });
  return { status: answer.status, text: answer.text, cards: Array.isArray(answer.json['cards']) };
}

const refused = ({ status }: Call): boolean => status >= 400 && status < 500;
const told = ({ status, text }: Call): string => `${status} ${text.slice(0, 300)}`;

function problemOf(call: Call, valid: boolean): string | undefined {
  if (!valid) return refused(call) ? undefined : `a required field is absent, expected 4xx, got ${told(call)}`;
  // 412: what is missing can't be fetched, because the caller's server is not one that Limen knows.
  return (call.status === 200 && call.cards) || call.status === 412 ? undefined : `expected 200 or 412, got ${told(call)}`;
}

export const cdsHooks: Suite = {
  name: 'cds-hooks',
  folder: 'cds-hooks',
  async run(folder, tally) {
    const product = await startProduct();
    try {
      const base = `${product.origin}/cds-services`;
      const services = list((await ask(base)).json['services']);
      for (const entry of readJson(folder, 'index.json') as unknown as readonly Json[]) {
        const file = String(entry['file']);
        const kind = String(entry['kind']);
        if (kind === 'feedback') {
          const call = await send(`${base}/medication-safety/feedback`, readJson(folder, file));
          tally.add(file, call.status === 200 ? undefined : `expected 200, got ${told(call)}`);
          continue;
        }
        if (kind !== 'request') {
          tally.notYet(file);
          continue;
        }
        const body = readJson(folder, file);
        const hook = String(body['hook']);
        const service = services.find((each) => String(each['hook']) === hook);
        if (service) {
          const context = body['context'] ?? {};
          const valid = body['hookInstance'] !== undefined && (requiredContext[hook] ?? []).every((name) => context[name] !== undefined);
          tally.add(file, problemOf(await send(`${base}/${service['id']}`, body), valid));
        } else if (notBuilt.has(hook)) tally.notYet(file);
        else {
          const calls = await Promise.all([hook, ...services.map(({ id }) => String(id))].map((id) => send(`${base}/${id}`, body)));
          const wrong = calls.find((call) => !refused(call));
          tally.add(file, wrong && `unknown or retired hook, expected 4xx, got ${told(wrong)}`);
        }
      }
    } finally {
      await product.stop();
    }
  },
};
