// Code systems from release files: invented rows in the official layouts, as folder and as zip, then asked through the terminology service.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import { OperationOutcomeError } from '@limen/fhir-model';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/index.ts';
import { conceptsSql } from '../src/store/migrations/0020-concepts.ts';
import { codesOf, releasesSource, sourceOf, TerminologyService, type ValueSet } from '../src/terminology/index.ts';
import { loadCodeSystem, loadRelease, ReleaseError } from '../src/terminology/load/index.ts';

const tab = (...rows: readonly string[]): string => `${rows.map((row) => row.replaceAll(' | ', '\t')).join('\r\n')}\r\n`;
const loincHeader =
  '"LOINC_NUM","COMPONENT","PROPERTY","TIME_ASPCT","SYSTEM","SCALE_TYP","METHOD_TYP","CLASS","VersionLastChanged","STATUS","CONSUMER_NAME","CLASSTYPE","SHORTNAME","ORDER_OBS","LONG_COMMON_NAME"';

const releases: { readonly [kind: string]: { readonly [file: string]: string } } = {
  'snomed-rf2': {
    'Snapshot/Terminology/sct2_Concept_Snapshot_INT_20240101.txt': tab(
      'id | effectiveTime | active | moduleId | definitionStatusId',
      '100000001 | 20240101 | 1 | 900000000000207008 | 900000000000074008',
      '100000002 | 20240101 | 1 | 900000000000207008 | 900000000000073002',
      '100000003 | 20240101 | 1 | 900000000000207008 | 900000000000074008',
      '100000004 | 20240101 | 0 | 900000000000207008 | 900000000000074008',
    ),
    'Snapshot/Terminology/sct2_Relationship_Snapshot_INT_20240101.txt': tab(
      'id | effectiveTime | active | moduleId | sourceId | destinationId | relationshipGroup | typeId | characteristicTypeId | modifierId',
      '1 | 20240101 | 1 | m | 100000003 | 100000002 | 0 | 116680003 | c | x',
      '2 | 20240101 | 1 | m | 100000002 | 100000001 | 0 | 116680003 | c | x',
      '3 | 20240101 | 0 | m | 100000001 | 100000003 | 0 | 116680003 | c | x',
      '4 | 20240101 | 1 | m | 100000001 | 100000003 | 0 | 363698007 | c | x',
    ),
    'Snapshot/Terminology/sct2_Description_Snapshot-en_INT_20240101.txt': tab(
      'id | effectiveTime | active | moduleId | conceptId | languageCode | typeId | term | caseSignificanceId',
      '11 | 20240101 | 1 | m | 100000001 | en | 900000000000003001 | Invented thing (thing) | c',
      '12 | 20240101 | 1 | m | 100000002 | en | 900000000000013009 | Wobble of nose | c',
      '13 | 20240101 | 1 | m | 100000002 | en | 900000000000013009 | Nasal wobble | c',
      '14 | 20240101 | 1 | m | 100000003 | en | 900000000000013009 | Left "wobble" 100%\\x | c',
      '15 | 20240101 | 0 | m | 100000003 | en | 900000000000013009 | Withdrawn | c',
      '16 | 20240101 | 1 | m | 100000004 | en | 900000000000003001 | Old thing (thing) | c',
    ),
    'Snapshot/Refset/Language/der2_cRefset_LanguageSnapshot-en_INT_20240101.txt': tab(
      'id | effectiveTime | active | moduleId | refsetId | referencedComponentId | acceptabilityId',
      'a | 20240101 | 1 | m | 900000000000509007 | 13 | 900000000000548007',
      'b | 20240101 | 1 | m | 900000000000509007 | 12 | 900000000000549004',
      'c | 20240101 | 1 | m | 900000000000508004 | 14 | 900000000000548007',
    ),
  },
  loinc: {
    'LoincTable/Loinc.csv': [
      loincHeader,
      '"99991-0","Invented, substance","MCnc","Pt","Ser","Qn","","CHEM","2.9","ACTIVE","Made-up, in blood","1","Inv SerPl","Both","Invented ""substance"" [Mass/volume]\nin Serum"',
      '"99992-8","Invented","Prid","Pt","Ser","Nom","Dipstick","UA","2.10","DEPRECATED","","1","","Order","Invented [Presence]"',
      '',
    ].join('\n'),
    'AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv': [
      'PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT',
      ',1,,LP999999-1,Invented parts',
      'LP999999-1,1,LP999999-1,99991-0,"Invented, substance"',
      '',
    ].join('\n'),
    'AccessoryFiles/AnswerFile/AnswerList.csv': 'AnswerListId,AnswerStringId,DisplayText\nLL1,LA99991-1,Made up\nLL2,LA99991-1,Made up\n',
  },
  'rxnorm-rrf': {
    'rrf/RXNCONSO.RRF': [
      '9900001|ENG||||||1||||RXNORM|IN|9900001|inventol||N||',
      '9900002|ENG||||||2||||RXNORM|SCD|9900002|inventol 5 MG Oral Tablet||N||',
      '9900002|ENG||||||3||||RXNORM|SY|9900002|invented 5 mg pill||N||',
      '9900002|ENG||||||4||||OTHER|SCD|x|not free to load||N||',
      '9900003|ENG||||||5||||RXNORM|DFG|9900003|Oral Product||O||',
      '9900004|ENG||||||6||||RXNORM|SCDG|9900004|inventol Oral Product||N||',
      '',
    ].join('\n'),
    'rrf/RXNREL.RRF': [
      '9900001||CUI|RO|9900002||CUI|has_ingredient|1||RXNORM|RXNORM||||',
      '9900004||CUI|RB|9900002||CUI|isa|2||RXNORM|RXNORM||||',
      '9900002||CUI|RN|9900004||CUI|inverse_isa|3||RXNORM|RXNORM||||',
      '',
    ].join('\n'),
    'rrf/RXNSAB.RRF': '||RXNORM_99|RXNORM|RxNorm Vocabulary, 99|RXNORM|99AA_990101F|\n',
  },
  icd10cm: {
    'icd10cm-order-2099.txt': [
      '00001 Z00     0 Invented header                                              Invented header, in full',
      '00002 Z001    0 Invented sub-header                                          Invented sub-header',
      '00003 Z0011   1 Invented disease                                             Invented disease, first',
      '00004 Z02     1 Other                                                        Other invented disease',
      '',
    ].join('\r\n'),
  },
};

/** A zip file with one deflated and otherwise stored entries. */
function zipOf(files: { readonly [name: string]: string }): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [i, [name, text]] of Object.entries(files).entries()) {
    const plain = Buffer.from(text);
    const data = i === 0 ? deflateRawSync(plain) : plain;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(i === 0 ? 8 : 0, 4);
    fields.writeUInt32LE(crc32(plain), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(plain.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\0\0', 'latin1'), fields, tail, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const records = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(records.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, records, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

const sct = 'http://snomed.info/sct';
const edition = `${sct}/900000000000207008/version/20240101`;
const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const icd = 'http://hl7.org/fhir/sid/icd-10-cm';

describe('code systems from release files', () => {
  let folder: string;
  let postgres: EmbeddedPostgres;
  let pool: pg.Pool;
  let service: TerminologyService;

  const place = (kind: string): string => path.join(folder, kind);
  async function load(kind: string, where = place(kind), version?: string): Promise<object> {
    const client = await pool.connect();
    try {
      return await loadRelease(client, kind, where, version);
    } finally {
      client.release();
    }
  }
  const list = async (system: string, ...filter: readonly object[]): Promise<string[]> => {
    const valueSet = { resourceType: 'ValueSet', status: 'active', compose: { include: [{ system, filter }] } } as ValueSet;
    return (await service.list(valueSet, { offset: 0, limit: 100 })).members.map(({ code }) => code);
  };
  const by = (system: string, property: string, op: string, value: string): Promise<string[]> => list(system, { property, op, value });
  const concept = async (system: string, code: string) => (await service.codingSystem(system))?.concept(code);

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'limen-releases-'));
    for (const [kind, files] of Object.entries(releases)) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(place(kind), name)), { recursive: true });
        await writeFile(path.join(place(kind), name), text);
      }
    }
    postgres = await startEmbeddedPostgres({ dataDir: path.join(folder, 'data') });
    pool = new pg.Pool({ connectionString: postgres.connectionString('limen'), max: 3 });
    pool.on('error', () => undefined);
    service = new TerminologyService(sourceOf([]), [releasesSource(pool)], () => new Date(0));
  });
  after(async () => {
    await pool.end();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('refuses what is no release, and leaves nothing of a broken one', async () => {
    const database = { connectionString: postgres.connectionString('limen') };
    await assert.rejects(loadCodeSystem(database, 'loinc', place('loinc')), ReleaseError);
    await pool.query(`create extension if not exists pg_trgm; ${conceptsSql}`);
    await assert.rejects(loadCodeSystem(database, 'constructor', place('loinc')), ReleaseError);
    await assert.rejects(load('loinc', path.join(folder, 'none')), ReleaseError);
    await assert.rejects(load('loinc', place('icd10cm')), ReleaseError);
    const broken = path.join(folder, 'broken');
    await mkdir(broken);
    await writeFile(path.join(broken, 'Loinc.csv'), 'LOINC_NUM,VersionLastChanged,LONG_COMMON_NAME\n9,2.0,X\n');
    await assert.rejects(load('loinc', broken), ReleaseError);
    await writeFile(path.join(folder, 'no.zip'), 'PK no zip');
    await assert.rejects(load('loinc', path.join(folder, 'no.zip')), ReleaseError);
    const { rows } = await pool.query('select (select count(*) from concept_release) + (select count(*) from concept) as left');
    assert.equal(Number(rows[0]?.left), 0);
    assert.equal(await service.codingSystem('http://loinc.org'), undefined);
    service.forget();
  });

  it('SNOMED CT: names, hierarchy, filters, editions', async () => {
    assert.deepEqual(await load('snomed-rf2'), { system: sct, version: edition, concepts: 4, terms: 5 });
    const found = await concept(sct, '100000002');
    assert.equal(found?.display, 'Nasal wobble');
    assert.deepEqual([found?.parents, found?.children], [['100000001'], ['100000003']]);
    assert.deepEqual(found?.property, [
      { code: 'moduleId', valueCode: '900000000000207008' },
      { code: 'effectiveTime', valueString: '20240101' },
      { code: 'sufficientlyDefined', valueBoolean: true },
    ]);
    assert.equal((await concept(sct, '100000003'))?.display, 'Left "wobble" 100%\\x');
    assert.equal((await concept(sct, '100000004'))?.inactive, true);
    assert.deepEqual(await by(sct, 'concept', 'is-a', '100000001'), ['100000001', '100000002', '100000003']);
    assert.deepEqual(await by(sct, 'concept', 'descendent-of', '100000001'), ['100000002', '100000003']);
    assert.deepEqual(await by(sct, 'concept', 'is-not-a', '100000002'), ['100000001', '100000004']);
    assert.deepEqual(await by(sct, 'concept', 'generalizes', '100000003'), ['100000001', '100000002', '100000003']);
    assert.deepEqual(await by(sct, 'concept', 'is-a', '1'), []);
    assert.deepEqual(await by(sct, 'parent', '=', '100000001'), ['100000002']);
    assert.deepEqual(await by(sct, 'child', '=', '100000003'), ['100000002']);
    assert.deepEqual(await by(sct, 'sufficientlyDefined', '=', 'true'), ['100000002']);
    await assert.rejects(by(sct, 'constraint', '=', '<< 1'), (error) => error instanceof OperationOutcomeError && error.status === 422);
    const system = await service.codingSystem(sct, `${sct}/900000000000207008`);
    assert.equal(system?.version, edition);
    assert.equal(await system?.subsumption('100000001', '100000003'), 'subsumes');
    assert.equal(await system?.subsumption('100000003', '100000001'), 'subsumed-by');
    assert.equal(await system?.subsumption('100000004', '100000001'), 'not-subsumed');
  });

  it('implicit value sets, text, pages and the codes of a search', async () => {
    const all = await service.valueSet(`${sct}?fhir_vs`);
    const below = await service.valueSet(`${sct}?fhir_vs=isa/100000002`);
    assert.ok(all && below);
    const codes = async (valueSet: ValueSet, page: object): Promise<unknown> => {
      const { total, members } = await service.list(valueSet, { offset: 0, limit: 100, ...page });
      return [total, members.map(({ code }) => code)];
    };
    assert.deepEqual(await codes(below, {}), [2, ['100000002', '100000003']]);
    assert.deepEqual(await codes(all, { offset: 1, limit: 1 }), [4, ['100000002']]);
    assert.deepEqual(await codes(all, { text: 'NOSE wob' }), [1, ['100000002']]);
    assert.deepEqual(await codes(all, { text: '100%' }), [1, ['100000003']]);
    assert.deepEqual(await codes(all, { text: '1_0' }), [0, []]);
    assert.deepEqual(await codes(all, { text: 'old', activeOnly: true }), [0, []]);
    assert.deepEqual(
      await service.has(below, [
        { system: sct, code: '100000003' },
        { system: sct, code: '100000001' },
      ]),
      [true, false],
    );
    const search = codesOf(service);
    assert.deepEqual(await search.below({ system: sct, code: '100000002' }), [
      { system: sct, code: '100000002' },
      { system: sct, code: '100000003' },
    ]);
    assert.equal((await search.in(`${sct}?fhir_vs=isa/100000001`))?.length, 3);
    assert.equal(await search.in(`${sct}?fhir_vs=refset/1`), undefined);
  });

  it('LOINC: quoted cells, deprecated terms, parts and answers', async () => {
    const { version, concepts } = (await load('loinc')) as { version: string; concepts: number };
    assert.deepEqual([version, concepts], ['2.10', 4]);
    const found = await concept('http://loinc.org', '99991-0');
    assert.equal(found?.display, 'Invented "substance" [Mass/volume]\nin Serum');
    assert.deepEqual(found?.parents, ['LP999999-1']);
    assert.deepEqual(
      found?.designation?.map(({ value }) => value),
      ['Inv SerPl', 'Made-up, in blood'],
    );
    assert.equal((await concept('http://loinc.org', '99992-8'))?.inactive, true);
    assert.equal((await concept('http://loinc.org', 'LA99991-1'))?.display, 'Made up');
    assert.deepEqual(await by('http://loinc.org', 'SCALE_TYP', '=', 'Qn'), ['99991-0']);
    assert.deepEqual(await by('http://loinc.org', 'CLASS', 'in', 'CHEM,UA'), ['99991-0', '99992-8']);
    assert.deepEqual(await by('http://loinc.org', 'METHOD_TYP', 'exists', 'true'), ['99992-8']);
    assert.deepEqual(await by('http://loinc.org', 'COMPONENT', 'regex', 'Invented.*'), ['99991-0', '99992-8']);
    assert.deepEqual(await by('http://loinc.org', 'parent', '=', 'LP999999-1'), ['99991-0']);
  });

  it('RxNorm: its own atoms only, ingredients and groups', async () => {
    const { version, concepts, terms } = (await load('rxnorm-rrf')) as { version: string; concepts: number; terms: number };
    assert.deepEqual([version, concepts, terms], ['99AA_990101F', 4, 1]);
    assert.equal((await concept(rxnorm, '9900002'))?.display, 'inventol 5 MG Oral Tablet');
    assert.deepEqual((await concept(rxnorm, '9900002'))?.parents, ['9900004']);
    assert.deepEqual(await by(rxnorm, 'TTY', 'in', 'IN,SCD'), ['9900001', '9900002']);
    assert.deepEqual(await by(rxnorm, 'has_ingredient', '=', '9900001'), ['9900002']);
    assert.equal((await concept(rxnorm, '9900003'))?.inactive, true);
  });

  it('ICD-10-CM, from a zip file', async () => {
    const zip = path.join(folder, 'icd.zip');
    await writeFile(zip, zipOf({ ...releases['icd10cm'], 'readme.txt': 'x' }));
    assert.deepEqual(await load('icd10cm', zip), { system: icd, version: '2099', concepts: 4, terms: 0 });
    assert.deepEqual(await by(icd, 'concept', 'is-a', 'Z00'), ['Z00', 'Z00.1', 'Z00.11']);
    assert.equal((await concept(icd, 'Z00.11'))?.display, 'Invented disease, first');
    assert.deepEqual(await by(icd, 'valid', '=', 'true'), ['Z00.11', 'Z02']);
    const stored = path.join(folder, 'stored.zip');
    await writeFile(stored, zipOf({ 'readme.txt': 'x', ...releases['icd10cm'] }));
    assert.deepEqual(await load('icd10cm', stored, '2100'), { system: icd, version: '2100', concepts: 4, terms: 0 });
  });

  it('a version loaded again replaces what it was; of several the last counts', async () => {
    service.forget();
    assert.equal((await service.codingSystem(icd))?.version, '2100');
    assert.equal((await service.codingSystem(icd, '2099'))?.version, '2099');
    await load('icd10cm', place('icd10cm'), '2099');
    service.forget();
    assert.equal((await service.codingSystem(icd))?.version, '2099');
    const { rows } = await pool.query('select count(*) as total, count(distinct n) as numbers from concept');
    assert.deepEqual(rows[0], { total: '20', numbers: '20' });
  });
});
