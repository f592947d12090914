// Input that is broken on purpose is refused or visibly removed by the door; it never comes out as it came in (ARCHITECTURE section 5).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import { door, type Fields, owned, resource } from './fixture.ts';

const trace = 'Quillfeather 555-867-5309';
const traces = /quillfeather|867-5309|JVBERi0/i;
const encryptedPdf = Buffer.from(`%PDF-1.7\n1 0 obj<</Title(${trace})>>endobj trailer<</Encrypt 2 0 R>>\n%%EOF`).toString('base64');
const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/p1' } };
const inner = { resourceType: 'Patient', id: 'c', name: [{ family: 'Quillfeather' }], telecom: [{ value: trace }] };
const nested = (depth: number): Fields & { resourceType: string } => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: [{ resource: depth === 0 ? inner : nested(depth - 1) }],
});
const cases: readonly (readonly [string, Fields & { resourceType: string }])[] = [
  ['a date that is text', { ...observation, effectiveDateTime: trace }],
  ['a date with text behind it', { ...observation, effectiveDateTime: `2024-05-06 ${trace}` }],
  ['a Bundle in a Bundle', nested(3)],
  ['a type that is none', { resourceType: 'Dossier', text: trace, name: [{ family: trace }] }],
  [
    'an encrypted PDF',
    {
      resourceType: 'DocumentReference',
      status: 'current',
      subject: { reference: 'Patient/p1' },
      content: [{ attachment: { contentType: 'application/pdf', title: trace, data: encryptedPdf } }],
    },
  ],
];

/** What came out as text, or the text of the refusal. */
function outcomeOf(fields: Fields & { resourceType: string }): string {
  try {
    return JSON.stringify(door().apply(resource(fields), owned).resource);
  } catch (error) {
    assert.ok(error instanceof OperationOutcomeError, 'refused with an outcome');
    return `${error.message} ${JSON.stringify(error)}`;
  }
}

describe('broken input does not come out as it came', () => {
  for (const [what, fields] of cases) {
    test(what, () => {
      assert.match(JSON.stringify(fields), traces);
      assert.doesNotMatch(outcomeOf(fields), traces);
    });
  }
});
