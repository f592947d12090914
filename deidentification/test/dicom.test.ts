// DICOM attributes: nothing planted comes out, what is read is refused or read to the last byte, and the table is what acts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { OperationOutcomeError } from '@limen/fhir-model';
import { type DicomContext, type DicomDataset, deidentifyDicom, deidentifyDicomFile, readDicom, writeChecked } from '../src/index.ts';
import { canariesIn, context, explicit, fileOf, image, readBack, root, type Tags } from './dicom-fixture.ts';
import { applied, pseudonyms } from './fixture.ts';

function passed(bytes: Uint8Array, as: DicomContext = context): Uint8Array {
  return writeChecked(deidentifyDicomFile(bytes, as).file, as);
}

const refusal = (sentence: RegExp) => (error: unknown) => {
  assert.ok(error instanceof OperationOutcomeError, String(error));
  assert.equal(error.status, 422);
  assert.match(String(error.issues[0]?.diagnostics), sentence);
  return true;
};

/** Raw element in explicit VR little endian with a short length. */
function raw(tag: number, vr: string, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

/** A file whose data set is the given bytes. */
function around(transferSyntax: string, dataset: Uint8Array): Uint8Array {
  const uid = transferSyntax.padEnd(transferSyntax.length + (transferSyntax.length % 2), '\0');
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), raw(0x00020010, 'UI', uid), dataset]);
}

/** The data set of a file, without its meta information. */
function afterMeta(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(144 + (bytes[140] ?? 0) + 256 * (bytes[141] ?? 0));
}

const items = (dict: Tags, tag: string): Tags[] => (dict[tag]?.Value ?? []) as Tags[];

describe('what is refused', () => {
  const whole = fileOf(image(1));

  test('content that is no DICOM file', () => {
    assert.throws(() => readDicom(Buffer.from('%PDF-1.7')), refusal(/not a DICOM file/));
    assert.throws(() => readDicom(Buffer.alloc(500)), refusal(/not a DICOM file/));
  });

  test('a file cut off anywhere, without reading beyond it', () => {
    for (let length = 133; length < whole.length; length += 1) {
      try {
        readDicom(whole.subarray(0, length));
      } catch (error) {
        assert.ok(error instanceof OperationOutcomeError, `${length}: ${error}`);
      }
    }
    assert.throws(() => readDicom(whole.subarray(0, whole.length - 1)), refusal(/ends in the middle/));
  });

  test('random bytes behind the prefix', () => {
    const noise = Buffer.from(Array.from({ length: 400 }, (_, index) => (index * 7919) % 251));
    assert.throws(() => readDicom(Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), noise])), OperationOutcomeError);
    assert.throws(() => readDicom(around(explicit, noise)), OperationOutcomeError);
  });

  test('an element that stands twice, big endian, an unknown representation, a broken deflate stream', () => {
    const name = raw(0x00100010, 'PN', 'A ');
    assert.throws(() => readDicom(around(explicit, Buffer.concat([name, name]))), refusal(/stands twice/));
    assert.throws(() => readDicom(around('1.2.840.10008.1.2.2', name)), refusal(/big endian/));
    assert.throws(() => readDicom(around(explicit, raw(0x00100010, '??', 'A '))), refusal(/value representation/));
    assert.throws(() => readDicom(around('1.2.840.10008.1.2.1.99', Buffer.from('garbage'))), refusal(/deflated/));
  });

  test('pixel data in another form than the transfer syntax says', () => {
    assert.throws(() => readDicom(around('1.2.840.10008.1.2.4.50', afterMeta(whole))), refusal(/not in the form/));
    const encapsulated = afterMeta(fileOf(image(1), '1.2.840.10008.1.2.4.50'));
    assert.throws(() => readDicom(around(explicit, encapsulated)), refusal(/not in the form/));
  });

  test('sequences nested without end', () => {
    const open = Buffer.from('08001011535100' + '00ffffffff' + 'feff00e0ffffffff', 'hex');
    assert.throws(() => readDicom(around(explicit, Buffer.concat(Array.from({ length: 5000 }, () => open)))), refusal(/nested too deeply/));
  });

  test('a character set that nobody knows, a document in DICOM', () => {
    assert.throws(() => passed(fileOf(image(1, { '00080005': { vr: 'CS', Value: ['X_UNKNOWN'] } }))), OperationOutcomeError);
    const pdf = { '00420011': { vr: 'OB', Value: [Buffer.from('%PDF-1.7 Quillfeather').buffer] } };
    assert.throws(() => passed(fileOf(image(1, pdf))), refusal(/A document in DICOM/));
  });
});

const text = 'seen with Zephyrine Quillfeather, MRN-88213377, 17 Ostrowhisk Lane';
/** A planted identifier in an attribute of each representation that can hold one; most are in no row of the table. */
const planted: Tags = {
  '00080012': { vr: 'DA', Value: ['19610317'] },
  '0008002A': { vr: 'DT', Value: ['19610317120000'] },
  '00080050': { vr: 'SH', Value: ['MRN-88213377'] },
  '00080090': { vr: 'PN', Value: ['Thornquist^Bellamira'] },
  '00081030': { vr: 'LO', Value: [text.slice(0, 60)] },
  '00081190': { vr: 'UR', Value: ['https://x.example/quillfeather'] },
  '00102297': { vr: 'PN', Value: ['Quillfeather^Ambrose'] },
  '001021B0': { vr: 'LT', Value: [text] },
  '00104000': { vr: 'LT', Value: [text] },
  '00180015': { vr: 'CS', Value: ['QUILLFEATHER'] },
  '00181000': { vr: 'LO', Value: ['88213377'] },
  '00204000': { vr: 'LT', Value: [text] },
  '00200060': { vr: 'CS', Value: ['ZEPHYRINE'] },
  '00280034': { vr: 'IS', Value: ['88213377'] },
  '00282000': { vr: 'OB', Value: [new Uint8Array(Buffer.from('profile of Quillfeather ')).buffer] },
  '00321033': { vr: 'LO', Value: ['Ostrowhisk Lane clinic'] },
  '00400310': { vr: 'ST', Value: [text] },
  '0040A160': { vr: 'UT', Value: [text] },
  '00741000': { vr: 'UC', Value: [text] },
  '00081140': {
    vr: 'SQ',
    Value: [{ '00081155': { vr: 'UI', Value: [`${root}.3.2`] }, '00100010': { vr: 'PN', Value: ['Quillfeather^Zephyrine'] } }],
  },
  '0040A730': {
    vr: 'SQ',
    Value: [
      {
        '0040A040': { vr: 'CS', Value: ['CONTAINER'] },
        '0040A123': { vr: 'PN', Value: ['Quillfeather'] },
        '0040A730': { vr: 'SQ', Value: [{ '0040A040': { vr: 'CS', Value: ['TEXT'] }, '0040A160': { vr: 'UT', Value: [text] } }] },
      },
    ],
  },
  '00090010': { vr: 'LO', Value: ['QUILLFEATHER INC'] },
  '00091001': { vr: 'UN', Value: [new Uint8Array(Buffer.from('Zephyrine ')).buffer] },
  '00091002': { vr: 'SQ', Value: [{ '00100010': { vr: 'PN', Value: ['Quillfeather'] } }] },
  '50000010': { vr: 'US', Value: [1] },
  '50002500': { vr: 'LO', Value: ['Quillfeather'] },
  '60000022': { vr: 'LO', Value: ['Quillfeather'] },
  '60003000': { vr: 'OW', Value: [new Uint8Array(Buffer.from('Quillfeather')).buffer] },
  '60004000': { vr: 'LT', Value: ['Quillfeather'] },
};

describe('what comes out', () => {
  const source = fileOf(image(1, planted));
  const output = passed(source);

  test('nothing that was planted, in any representation, sequence, private group, overlay, curve or file meta', () => {
    assert.ok(canariesIn(source).length >= 7, String(canariesIn(source)));
    assert.deepEqual(canariesIn(output), []);
  });

  test('is read by a reader that is not ours, and says what was done', () => {
    const { meta, dict } = readBack(output);
    assert.deepEqual(meta['00020003']?.Value, dict['00080018']?.Value);
    assert.equal(meta['00020016'], undefined);
    assert.deepEqual(dict['00120062']?.Value, ['YES']);
    assert.deepEqual(dict['00280303']?.Value, ['MODIFIED']);
    const codes = items(dict, '00120064').map((item) => item['00080100']?.Value[0]);
    assert.deepEqual(codes, ['113100', '113107', '113108', '113105', '113104', '113103']);
    const odd = Object.keys(dict).filter((tag) => Number.parseInt(tag.slice(0, 4), 16) % 2 === 1 || /^[56]0/.test(tag));
    assert.deepEqual(odd, []);
  });

  test('keeps what a reader of images needs, and the words that identify nobody', () => {
    const { dict } = readBack(output);
    assert.deepEqual(dict['00280010']?.Value, [4]);
    assert.deepEqual(dict['00080020']?.Value, ['20240108']);
    const inner = items(items(dict, '0040A730')[0] ?? {}, '0040A730')[0];
    assert.equal(inner?.['0040A040']?.Value[0], 'TEXT');
    assert.match(String(inner?.['0040A160']?.Value[0]), /^seen with \[NAME\]/);
    assert.match(String(dict['00081030']?.Value[0]), /^seen with/);
  });

  test('once more as stored changes nothing', () => {
    const stored: DicomContext = { ...context, plane: 'stored' };
    assert.deepEqual(Buffer.from(passed(output, stored)), Buffer.from(output));
  });

  test('the report names attributes of the standard, and private ones only by their number', () => {
    const { report } = deidentifyDicomFile(source, context);
    assert.equal(report.removed['private'], 3);
    assert.equal(report.replaced['(0010,0010)'], 2);
    assert.ok(Object.keys(report.removed).every((key) => key === 'private' || /^\([0-9A-F]{3}[02468ACE],/.test(key)));
    assert.deepEqual(canariesIn(Buffer.from(JSON.stringify(report))), []);
  });

  test('one study stays one study, also in references, and another secret gives other UIDs', () => {
    const [first, second] = [readBack(output).dict, readBack(passed(fileOf(image(2)))).dict];
    assert.deepEqual(first['0020000D']?.Value, second['0020000D']?.Value);
    assert.notDeepEqual(first['00080018']?.Value, second['00080018']?.Value);
    assert.deepEqual(items(first, '00081140')[0]?.['00081155']?.Value, second['00080018']?.Value);
    const other = readBack(passed(fileOf(image(2)), { ...context, pseudonymOf: pseudonyms('another') })).dict;
    assert.notDeepEqual(other['0020000D']?.Value, second['0020000D']?.Value);
  });
});

describe('DICOM and FHIR', () => {
  test('name one series and instance alike', () => {
    const study = applied({
      resourceType: 'ImagingStudy',
      status: 'available',
      subject: { reference: 'Patient/p' },
      series: [{ uid: `${root}.2`, modality: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: 'OT' } }],
    });
    const [series] = study['series'] as { uid: string }[];
    const { dict } = readBack(passed(fileOf(image(1))));
    assert.deepEqual(dict['0020000E']?.Value, [series?.uid]);
  });
});

describe('encodings', () => {
  const implicit = '1.2.840.10008.1.2';

  test('implicit VR, deflated and unknown representations of known attributes lose the same', () => {
    const dataset = readDicom(fileOf(image(1, planted)));
    assert.deepEqual(canariesIn(passed(fileOf(image(1, planted), implicit))), []);
    const plain = fileOf(image(1));
    const packed = around('1.2.840.10008.1.2.1.99', deflateRawSync(afterMeta(plain)));
    assert.deepEqual([...readDicom(packed).dataset.keys()].sort(), [...readDicom(plain).dataset.keys()].sort());
    assert.ok(dataset.dataset.size > 30);
    const unknown = Buffer.concat([
      raw(0x00080018, 'UI', '1.2.3.'),
      Buffer.from('10001000554e00000c000000', 'hex'),
      Buffer.from('Quillfeather'),
    ]);
    assert.deepEqual(canariesIn(passed(around(explicit, unknown))), []);
  });

  test('texts of other character sets are read, cleaned and written in UTF-8', () => {
    const latin = Buffer.concat([
      raw(0x00080005, 'CS', 'ISO_IR 100'),
      raw(0x00081030, 'LO', Buffer.from('Sch\xe4del, Zephyrine', 'latin1')),
    ]);
    const value = (bytes: Uint8Array): string => Buffer.from(readDicom(passed(bytes)).dataset.get(0x00081030)?.bytes ?? []).toString();
    assert.match(value(around(explicit, latin)), /^Schädel, \[NAME\]/);
    const japanese = Buffer.concat([
      raw(0x00080005, 'CS', '\\ISO 2022 IR 87 '),
      raw(0x00081030, 'LO', Buffer.from('Brain=\x1b$B;3ED\x1b(B ', 'latin1')),
    ]);
    assert.match(value(around(explicit, japanese)), /山田/);
    const broken = Buffer.concat([raw(0x00080005, 'CS', 'ISO_IR 192'), raw(0x00081030, 'LO', Uint8Array.of(0xff, 0xfe))]);
    assert.equal(value(around(explicit, broken)), '');
  });

  test('another representation than that of the standard does not carry a value past the table', () => {
    const wrong = Buffer.concat([
      raw(0x00080060, 'LO', 'Quillfeather'),
      raw(0x00280010, 'LO', 'Quillfeather'),
      raw(0x00100010, 'US', 'Quillfeather'),
    ]);
    const { dataset } = readDicom(passed(around(explicit, wrong)));
    assert.equal(dataset.get(0x00280010), undefined);
    assert.equal(dataset.get(0x00080060), undefined);
    assert.equal(dataset.get(0x00100010)?.vr, 'PN');
  });
});

describe('options and dates', () => {
  const dataset: DicomDataset = readDicom(
    fileOf(
      image(1, {
        '00101010': { vr: 'AS', Value: ['094Y'] },
        '00081010': { vr: 'SH', Value: ['CT-SCANNER-1'] },
        '0008002A': { vr: 'DT', Value: ['20240318093000.5+0100'] },
        '70530010': { vr: 'LO', Value: ['Philips PET Private Group'] },
        '70531000': { vr: 'DS', Value: ['0.000587'] },
        '70531001': { vr: 'LO', Value: ['Quillfeather'] },
      }),
    ),
  ).dataset;
  const value = (of: DicomContext, tag: number): string | undefined => {
    const bytes = deidentifyDicom(dataset, of).dataset.get(tag)?.bytes;
    return (
      bytes &&
      Buffer.from(bytes)
        .toString('latin1')
        .replace(/[ \0]+$/, '')
    );
  };

  test('the Basic Profile alone', () => {
    const basic = { ...context, options: [] };
    assert.equal(value(basic, 0x00080020), '');
    assert.equal(value(basic, 0x00101010), undefined);
    assert.equal(value(basic, 0x00280303), 'REMOVED');
    assert.equal(value(basic, 0x00081010), 'REMOVED');
  });

  test('dates move with the patient, or become the year; ages end at 90', () => {
    assert.equal(value(context, 0x0008002a), '20240108093000.5+0100');
    assert.equal(value({ ...context, dates: 'year' }, 0x00080020), '20240101');
    assert.equal(value({ ...context, dates: 'year' }, 0x0008002a), '2024');
    assert.equal(value({ ...context, dates: 'year' }, 0x00080030), '');
    assert.equal(value(context, 0x00101010), '090Y');
  });

  test('what an option keeps, and safe private attributes by the list only', () => {
    const kept = { ...context, options: ['retain-device-identity', 'retain-safe-private', 'retain-full-dates', 'retain-uids'] as const };
    assert.equal(value(kept, 0x00081010), 'CT-SCANNER-1');
    assert.equal(value(kept, 0x00080020), '20240318');
    assert.equal(value(kept, 0x0020000d), `${root}.1`);
    assert.equal(value(kept, 0x70531000), '0.000587');
    assert.equal(value(kept, 0x70531001), undefined);
    assert.equal(value(context, 0x70531000), undefined);
  });
});
