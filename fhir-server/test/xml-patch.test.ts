// RFC 5261 and https://hl7.org/fhir/R4/http.html#patch: what an XML Patch makes of a resource, what it refuses, and what it says of each new value.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { parsePatch } from '../src/patch/index.ts';

const definitions = loadDefinitions();
type Json = { [name: string]: unknown };
const diff = (operations: string): string => `<diff xmlns="http://hl7.org/fhir">${operations}</diff>`;

const div = '<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;<b>b</b><br></br></div>';
const patient = {
  resourceType: 'Patient',
  id: 'p',
  meta: { versionId: '1' },
  text: { status: 'generated', div },
  identifier: [
    { system: 'urn:a', value: '1' },
    { system: 'urn:b', value: '2' },
  ],
  name: [{ family: 'A', given: ['x', 'y'], _given: [null, { id: 'g' }] }, { family: 'B' }],
  birthDate: '1970-01-01',
  contained: [{ resourceType: 'Organization', id: 'o', name: 'O' }],
};

function patched(patch: string, resource: object = patient): { json: Json; fresh: string[]; isMixed: boolean } {
  const source = JSON.stringify(resource);
  const type = (resource as { resourceType: string }).resourceType;
  const result = parsePatch(definitions, patch, type)(resource as Resource);
  assert.equal(JSON.stringify(resource), source, 'the source stays as it was');
  return {
    json: JSON.parse(JSON.stringify(result.resource)) as Json,
    fresh: result.fresh.map((place) => place.join('.')),
    isMixed: result.isMixed,
  };
}

function refused(status: number, patch: string): void {
  assert.throws(
    () => patched(patch),
    (error) => {
      assert.ok(error instanceof OperationOutcomeError, String(error));
      assert.equal(error.status, status, error.message);
      assert.ok(!JSON.stringify(error.outcome).includes('Canary'), 'no value of the patch in the answer');
      return true;
    },
  );
}

describe('XML Patch: refusals', () => {
  const remove = (sel: string): string => diff(`<remove sel="${sel}"/>`);
  for (const [why, patch] of [
    ['no XML', 'Canary'],
    ['a document type', `<!DOCTYPE d>${remove('f:Patient/f:birthDate')}`],
    ['another root', '<Canary xmlns="http://hl7.org/fhir"><remove sel="f:Patient/f:birthDate"/></Canary>'],
    ['no operations', diff('')],
    ['an unknown operation', diff('<move sel="f:Patient/f:birthDate"/>')],
    ['no selector', diff('<remove/>')],
    ['an empty selector', remove('')],
    ['a prefix that nobody declared', remove('Canary:Patient')],
    ['an axis', remove('f:Patient//f:birthDate')],
    ['a function', remove("f:Patient/f:name[contains(f:family/@value, 'A')]")],
    ['a step behind an attribute', remove('f:Patient/@id/f:name')],
    ['a selector of 501 characters', remove(`f:Patient${'/f:a'.repeat(123)}`)],
    ['25 steps', remove(Array.from({ length: 25 }, () => 'f:a').join('/'))],
    ['a type that is none', diff('<add sel="f:Patient" type="Canary">x</add>')],
    ['a position that is none', diff('<add sel="f:Patient" pos="Canary"/>')],
    ['an instruction', diff('<add sel="f:Patient"><?Canary?></add>')],
    ['an attribute with a prefix', diff('<add sel="f:Patient"><gender xmlns:x="urn:x" x:Canary="1" value="male"/></add>')],
    ['201 operations', diff('<remove sel="f:Patient/f:birthDate"/>'.repeat(201))],
    ['65 levels', diff(`<add sel="f:Patient">${'<extension url="a">'.repeat(65)}${'</extension>'.repeat(65)}</add>`)],
  ] as const) {
    test(`${why} is 400`, () => refused(400, patch));
  }
  for (const [why, patch] of [
    ['a path to nothing', remove('f:Patient/f:gender')],
    ['a path to several', remove('f:Patient/f:name')],
    ['a path of another namespace', '<diff><remove sel="Patient/birthDate"/></diff>'],
    ['the whole resource', remove('f:Patient')],
    ['a second resource', diff('<add sel="f:Patient" pos="after"><Patient/></add>')],
    ['an attribute that is there', diff('<add sel="f:Patient/f:birthDate" type="@value">Canary</add>')],
    ['a replacement by another kind', diff('<replace sel="f:Patient/f:birthDate">Canary</replace>')],
    ['a replacement by two', diff('<replace sel="f:Patient/f:birthDate"><gender value="male"/><gender value="male"/></replace>')],
    ['an element that FHIR does not know', diff('<add sel="f:Patient"><Canary value="x"/></add>')],
    ['an element of another namespace', diff('<add sel="f:Patient"><gender xmlns="urn:x" value="male"/></add>')],
    ['text where FHIR has none', diff('<add sel="f:Patient">Canary</add>')],
    ['an element that is there once', diff('<add sel="f:Patient"><birthDate value="1970-01-02"/></add>')],
    ['the id', diff('<replace sel="f:Patient/f:id/@value">Canary</replace>')],
    ['the id by its own value', diff('<replace sel="f:Patient/f:id"><id value="p"/></replace>')],
    ['meta', diff('<add sel="f:Patient/f:meta"><source value="urn:Canary"/></add>')],
    ['the resource by another', diff('<replace sel="f:Patient"><Group><id value="p"/></Group></replace>')],
  ] as const) {
    test(`${why} is 422`, () => refused(422, patch));
  }
  test('a resource too large to be written for it is 422', () => {
    const large = { resourceType: 'Patient', id: 'p', name: [{ text: 'a'.repeat(1_000_001) }] };
    assert.throws(() => patched(remove('f:Patient/f:name'), large), { status: 422 });
  });
});

describe('XML Patch: what it makes', () => {
  test('of elements, by position, by attribute, by a value further down', () => {
    const { json, fresh } = patched(
      diff(
        `<remove sel="f:Patient/f:name[2]"/>
         <remove sel="/f:Patient/f:identifier[f:system/@value='urn:a']"/>
         <add sel="f:Patient/f:name/f:given[1]" pos="after">
           <given value="between"/>
         </add>
         <add sel="f:Patient" pos="prepend"><gender value="other"/></add>`,
      ),
    );
    assert.deepEqual(json['identifier'], [{ system: 'urn:b', value: '2' }]);
    assert.deepEqual(json['name'], [{ family: 'A', given: ['x', 'between', 'y'], _given: [null, null, { id: 'g' }] }]);
    assert.equal(json['gender'], 'other');
    assert.deepEqual(fresh.sort(), ['gender', 'name.0.given.1']);
  });

  test('of attributes: a value, an id, a url', () => {
    const { json, fresh } = patched(
      diff(
        `<replace sel="f:Patient/f:birthDate/@value">2000-02-03</replace>
         <add sel="f:Patient/f:birthDate" type="@id">b</add>
         <remove sel="f:Patient/f:name[1]/f:given[last()]/@id"/>`,
      ),
    );
    assert.deepEqual([json['birthDate'], json['_birthDate']], ['2000-02-03', { id: 'b' }]);
    assert.deepEqual(json['name'], [{ family: 'A', given: ['x', 'y'] }, { family: 'B' }]);
    assert.deepEqual(fresh.sort(), ['_birthDate.id', 'birthDate']);
  });

  test('in a contained resource and in an extension of a primitive; with other prefixes', () => {
    const extension = '<extension url="urn:e"><valueString value="v"/></extension>';
    const { json, fresh } = patched(
      `<p:patch xmlns:p="urn:ietf:rfc:7351" xmlns="http://hl7.org/fhir">
         <p:replace sel="Patient/contained/Organization/name"><name value="P"/></p:replace>
         <p:add sel="Patient/birthDate">${extension}</p:add>
       </p:patch>`,
    );
    assert.deepEqual(json['contained'], [{ resourceType: 'Organization', id: 'o', name: 'P' }]);
    assert.deepEqual(json['_birthDate'], { extension: [{ url: 'urn:e', valueString: 'v' }] });
    assert.deepEqual(fresh.sort(), ['_birthDate.extension.0', 'contained.0.name']);
  });

  test('decimals keep their digits, and a narrative that is not touched its text', () => {
    const observation = parseExact(
      `{"resourceType":"Observation","id":"o","text":{"status":"generated","div":${JSON.stringify(div)}},"status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}`,
    ) as Resource;
    const patch = diff('<replace sel="f:Observation/f:status/@value">amended</replace>');
    const { resource, fresh } = parsePatch(definitions, patch, 'Observation')(observation);
    assert.match(JSON.stringify(resource), /"value":1\.50/);
    assert.equal((resource as { text?: { div?: string } }).text?.div, div);
    assert.deepEqual(fresh, [['status']]);
  });

  test('a narrative: replaced it is new; with a new part in it, stored and new are mixed', () => {
    const whole = '<div xmlns="http://www.w3.org/1999/xhtml">new</div>';
    const replaced = patched(diff(`<replace sel="f:Patient/f:text/h:div">${whole}</replace>`));
    assert.deepEqual([(replaced.json['text'] as Json)['div'], replaced.fresh, replaced.isMixed], [whole, ['text.div'], false]);
    const part = patched(diff('<add sel="f:Patient/f:text/h:div/h:b" pos="before"><i xmlns="http://www.w3.org/1999/xhtml">i</i></add>'));
    assert.equal((part.json['text'] as Json)['div'], '<div xmlns="http://www.w3.org/1999/xhtml">a\u00a0<i>i</i><b>b</b><br/></div>');
    assert.equal(part.isMixed, true);
    const cut = patched(diff('<remove sel="f:Patient/f:text/h:div/h:b/text()"/>'));
    assert.equal((cut.json['text'] as Json)['div'], '<div xmlns="http://www.w3.org/1999/xhtml">a\u00a0<b/><br/></div>');
  });

  test('in a Bundle it comes in a Binary; a patch can be applied again', () => {
    const data = Buffer.from(diff('<add sel="f:Patient"><gender value="male"/></add>')).toString('base64');
    const apply = parsePatch(definitions, { resourceType: 'Binary', contentType: 'application/xml-patch+xml', data }, 'Patient');
    const results = [patient, patient].map((each) => (apply(each as unknown as Resource).resource as { gender?: string }).gender);
    assert.deepEqual(results, ['male', 'male']);
  });
});
