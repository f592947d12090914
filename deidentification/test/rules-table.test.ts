// Every element of every type of R4 goes through the door: nothing that identifies stays, and what becomes of each is written down.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { definitionalTypes } from '../src/rules/exceptions.ts';
import { ruleRows, secrets, storedTable, tableOf } from './rules-table.ts';

const found = ruleRows();
const rows = found.map(({ row }) => row);
const of = (type: string, element: string): string | undefined => rows.find((row) => row.type === type && row.element === element)?.action;

describe('every element of every type', () => {
  test('nothing that identifies is left of any of them; ids of resources are the store\u2019s to replace', () => {
    const left = found
      .filter(({ row, left: text }) => secrets.test(text) && row.element !== 'id')
      .map(({ row }) => `${row.type}.${row.element}`);
    assert.deepEqual(left, []);
  });

  test('a free text is never kept unread, a date only in definitions', () => {
    const free = new Set(['string', 'String', 'markdown', 'xhtml', 'base64Binary', 'url']);
    const dates = new Set(['date', 'dateTime', 'instant']);
    const wrong = rows.filter(({ type, code, action }) => {
      const isOfDefinition = definitionalTypes.has(type.split('.')[0] ?? '');
      return action === 'keep' && (free.has(code) || (dates.has(code) && !isOfDefinition));
    });
    assert.deepEqual(wrong, []);
  });

  test('implicit rules and unknown modifier extensions refuse the resource', () => {
    const refused = rows.filter(({ element }) => element === 'implicitRules' || element === 'modifierExtension');
    assert.ok(refused.length > 300);
    assert.deepEqual(new Set(refused.map(({ action }) => action)), new Set(['refuse']));
  });

  test('what identifies a person goes, what an analysis needs stays', () => {
    const wanted: readonly (readonly [string, string, string])[] = [
      ['Patient', 'name', 'remove'],
      ['Patient', 'telecom', 'remove'],
      ['Patient', 'photo', 'by type'],
      ['Patient', 'text', 'remove'],
      ['Patient', 'birthDate', 'move'],
      ['Practitioner', 'birthDate', 'remove'],
      ['RelatedPerson', 'birthDate', 'move'],
      ['FamilyMemberHistory', 'name', 'remove'],
      ['Annotation', 'text', 'scrub'],
      ['Annotation', 'authorString', 'remove'],
      ['QuestionnaireResponse.item.answer', 'valueString', 'scrub'],
      ['QuestionnaireResponse.item.answer', 'valueDecimal', 'keep'],
      ['Observation', 'valueString', 'scrub'],
      ['Observation', 'valueInteger', 'keep'],
      ['Quantity', 'value', 'keep'],
      ['Coding', 'code', 'keep'],
      ['Attachment', 'url', 'mask'],
      ['Attachment', 'data', 'mask'],
      ['Organization', 'name', 'replace'],
      ['Immunization', 'lotNumber', 'remove'],
    ];
    assert.deepEqual(
      wanted.map(([type, element]) => [type, element, of(type, element)]),
      wanted,
    );
  });

  test('the table that is shown is the one that is done (`node deidentification/test/rules-table.ts` writes it)', () => {
    assert.ok(tableOf(rows) === storedTable(), 'deidentification/rules.csv is not what the door does');
  });
});
