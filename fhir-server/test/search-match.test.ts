// What a search means, by hand-written cases; search-property.test.ts shows that the index says the same.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { parseSearch, recheck } from '../src/search/index.ts';

const definitions = loadDefinitions();
type Body = { readonly resourceType: string } & { readonly [name: string]: unknown };

function matches(resource: Body, search: string): boolean {
  const { criteria } = parseSearch(definitions, resource.resourceType, search, { lenient: false, now: new Date('2024-01-01T00:00:00Z') });
  return recheck({ criteria }, resource);
}
/** Cases: search text with + (must match) or - (must not). */
function check(resource: Body, ...cases: string[]): void {
  for (const one of cases) assert.equal(matches(resource, one.slice(1)), one.startsWith('+'), one);
}
const at = (effectiveDateTime: string): Body => ({ resourceType: 'Observation', effectiveDateTime });
const during = (start?: string, end?: string): Body => ({
  resourceType: 'Observation',
  effectivePeriod: { ...(start ? { start } : {}), ...(end ? { end } : {}) },
});

describe('dates', () => {
  test('eq needs the searched range to contain the resource', () => {
    check(at('1980'), '-date=1980-05', '+date=1980', '+date=ne1980-05', '-date=ne1980');
    check(at('1980-05-03'), '+date=1980', '+date=1980-05', '-date=1980-06', '-date=1980-05-03T10:00Z');
  });
  test('gt and lt look at what reaches past, sa and eb allow no overlap', () => {
    check(at('2020'), '+date=gt2020-05', '+date=lt2020-05', '-date=sa2020-05', '-date=eb2020-05', '-date=gt2020', '-date=lt2020');
    check(at('2020'), '+date=ge2020', '+date=le2020', '+date=sa2019', '+date=eb2021', '-date=sa2020', '-date=eb2020');
  });
  test('open periods', () => {
    check(
      during('2020-01-01'),
      '+date=gt2999',
      '-date=eb2999',
      '+date=ge2020',
      '-date=2020',
      '+date=ne2020',
      '-date=lt2020',
      '+date=sa2019',
    );
    check(during(undefined, '2020-01-01'), '+date=lt1000', '-date=sa1000', '-date=2019', '+date=eb2020-01-02', '-date=gt2020');
    check(during('2020-01-01', '2020-01-31'), '+date=2020-01', '-date=2020-01-15', '+date=gt2020-01-15');
  });
  test('instants across zones; a time without zone is UTC', () => {
    check(
      at('2020-05-03T01:00:00+02:00'),
      '+date=2020-05-02',
      '-date=2020-05-03',
      '+date=2020-05-02T23:00:00Z',
      '+date=2020-05-03T01:00:00+02:00',
    );
    check(at('2020-05-03T01:00:00+02:00'), '+date=2020-05-02T23:00:00');
  });
  test('ap takes a tenth of the distance to now', () => {
    check(at('2022-12-01'), '+date=ap2023-01-01', '-date=ap2023-03-01');
  });
  test('timing: events and bounds', () => {
    const request: Body = {
      resourceType: 'ServiceRequest',
      occurrenceTiming: { event: ['2020-01-01', '2020-03-01'], repeat: { boundsPeriod: { start: '2021-01-01', end: '2021-02-01' } } },
    };
    check(request, '+occurrence=2020-01-01', '+occurrence=2020-03', '-occurrence=2020-02', '+occurrence=2021');
  });
});

describe('numbers and quantities', () => {
  const weighs = (value: unknown, more: object = { unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' }): Body => ({
    resourceType: 'Observation',
    valueQuantity: { value, ...more },
  });

  test('implicit precision belongs to eq and ne; the others compare exactly', () => {
    check(
      weighs(5.4),
      '+value-quantity=5.4',
      '-value-quantity=5.40',
      '+value-quantity=5',
      '-value-quantity=gt5.4',
      '+value-quantity=ge5.4',
      '+value-quantity=gt5.35',
    );
    check(
      weighs(5.4),
      '-value-quantity=lt5.4',
      '+value-quantity=le5.4',
      '+value-quantity=ne6',
      '+value-quantity=ap5',
      '-value-quantity=ap4',
      '+value-quantity=sa5',
      '-value-quantity=eb5.4',
    );
    check(weighs(101), '-value-quantity=100', '+value-quantity=1e2', '+value-quantity=gt100', '-value-quantity=100.0');
  });
  test('digits of raw numbers count', () => {
    const raw = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('5.40');
    check(weighs(raw), '+value-quantity=5.40', '+value-quantity=5.4', '-value-quantity=5.400');
  });
  test('comparators leave one side open', () => {
    check(
      weighs(5, { comparator: '<' }),
      '+value-quantity=lt3',
      '+value-quantity=gt3',
      '-value-quantity=gt5',
      '-value-quantity=5',
      '+value-quantity=eb6',
      '-value-quantity=eb4',
    );
    check(weighs(5, { comparator: '>=' }), '+value-quantity=gt100', '-value-quantity=lt5', '+value-quantity=sa4');
  });
  test('units: system and code, bare code or unit, none', () => {
    check(
      weighs(70),
      '+value-quantity=70',
      '+value-quantity=70||kg',
      '+value-quantity=70|http://unitsofmeasure.org|kg',
      '-value-quantity=70|urn:other|kg',
      '-value-quantity=70||g',
    );
    check(
      weighs(70, { unit: 'kilogram', code: 'kg' }),
      '+value-quantity=70||kilogram',
      '+value-quantity=70||kg',
      '-value-quantity=70|http://unitsofmeasure.org|kg',
    );
  });
});

describe('strings', () => {
  const patient: Body = {
    resourceType: 'Patient',
    name: [{ family: 'Ångström', given: ['Åke', 'van der Berg'] }],
    address: [{ city: 'São Paulo', line: ['1, Main St'] }],
  };
  test('start of any part, without case and accents', () => {
    check(
      patient,
      '+name=angstrom',
      '+name=ÅNG',
      '+name=van der',
      '-name=der',
      '+name:contains=der',
      '+family=ang',
      '-family=ake',
      '+given=ake',
      '+address=sao',
      '+address=1%5C, main',
    );
  });
  test('exact means case and accents and the whole', () => {
    check(patient, '+family:exact=Ångström', '-family:exact=ångström', '-family:exact=Ångstr', '-family:exact=Angstrom');
  });
  test('wildcards of SQL are plain text', () => {
    check(patient, '-name=%25', '-name=_ngstrom', '-name:contains=%25');
  });
});

describe('tokens', () => {
  const patient: Body = {
    resourceType: 'Patient',
    active: true,
    gender: 'female',
    identifier: [{ system: 'urn:a', value: '1' }, { value: '2' }],
    telecom: [
      { system: 'phone', value: '555' },
      { system: 'email', value: 'a@b.test' },
    ],
  };
  test('code, system|code, |code, system|', () => {
    check(
      patient,
      '+identifier=1',
      '+identifier=urn:a|1',
      '-identifier=|1',
      '+identifier=|2',
      '+identifier=urn:a|',
      '-identifier=urn:b|',
      '-identifier=urn:a|2',
    );
  });
  test('primitives and contact points', () => {
    check(
      patient,
      '+active=true',
      '-active=false',
      '+gender=female',
      '+gender=http://hl7.org/fhir/administrative-gender|female',
      '+phone=555',
      '-phone=a@b.test',
      '+email=a@b.test',
      '+telecom=555',
    );
  });
  test('deceased is a question, not an element', () => {
    check(patient, '+deceased=false', '-deceased=true');
    check({ ...patient, deceasedDateTime: '2020' }, '+deceased=true', '+death-date=2020');
    check({ ...patient, deceasedBoolean: false }, '-deceased=true');
  });
  test(':not takes in what has no value; with several values none may match', () => {
    check(patient, '+language:not=urn:x|en', '-gender:not=female', '-gender:not=male,female', '+gender:not=male');
  });
  test(':missing', () => {
    check(
      patient,
      '+birthdate:missing=true',
      '-birthdate:missing=false',
      '+gender:missing=false',
      '-identifier:missing=true',
      '+name:missing=true',
    );
  });
  test('repeats are AND and may be met by different repetitions', () => {
    check(patient, '+identifier=1&identifier=2', '-identifier=1&identifier=3', '+identifier=1,3');
  });
});

describe('references and composites', () => {
  test('texts of references', () => {
    const body: Body = {
      resourceType: 'Observation',
      subject: { reference: 'Patient/1/_history/2' },
      performer: [{ reference: '#c' }, { identifier: { system: 'urn:n', value: '7' } }],
    };
    check(
      body,
      '+subject=Patient/1',
      '+patient=1',
      '-patient=2',
      '-subject=Group/1',
      '+subject:Patient=1',
      '+performer:identifier=urn:n|7',
      '-performer:identifier=8',
      '-performer=urn:n:7',
      '-performer:missing=true',
    );
    check({ resourceType: 'Observation', subject: { reference: 'Group/1' } }, '-patient=1', '+subject=Group/1', '-patient:missing=false');
  });
  test('canonicals with and without version', () => {
    const body: Body = { resourceType: 'CarePlan', instantiatesCanonical: ['https://x.test/plan|2'] };
    check(
      body,
      '+instantiates-canonical=https://x.test/plan',
      '+instantiates-canonical=https://x.test/plan|2',
      '-instantiates-canonical=https://x.test/plan|3',
    );
  });
  test('components must hold in one repetition', () => {
    const part = (code: string, value: number): object => ({
      code: { coding: [{ system: 'urn:l', code }] },
      valueQuantity: { value, code: 'mm', system: 'urn:u' },
    });
    const body: Body = { resourceType: 'Observation', code: { coding: [{ code: 'bp' }] }, component: [part('sys', 120), part('dia', 80)] };
    check(
      body,
      '+component-code-value-quantity=sys$gt100',
      '-component-code-value-quantity=dia$gt100',
      '+component-code-value-quantity=urn:l|dia$80||mm',
      '-component-code-value-quantity=dia$80||cm',
    );
    check(body, '+combo-code-value-quantity=sys$120', '-code-value-quantity=bp$120');
  });
  test('a criterion never holds for another type', () => {
    const { criteria } = parseSearch(definitions, 'Observation', 'status:missing=true', { lenient: false });
    assert.equal(recheck({ criteria }, { resourceType: 'Patient' }), false);
  });
});
