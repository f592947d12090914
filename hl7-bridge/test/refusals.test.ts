// HL7 table 0357: what is not accepted, with which code, at which field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultChannel } from '../src/index.ts';
import { lines, msh, pid, pv1, refusalOf } from './messages.ts';

const oru = (...segments: string[]): string => lines(msh('ORU^R01', 'C1'), ...segments);
const obr = 'OBR|1|P1|F1|718-7^HGB^LN|||20240501';

const header: readonly (readonly [string, string, string])[] = [
  ['no MSH', lines(pid), 'AR 100 MSH'],
  ['MSH-2 empty', 'MSH|||SENDER|CLINIC|LIMEN|20240501||ADT^A01|C1|P|2.5.1\r', 'AR 101 MSH-2'],
  ['MSH-2 with letters', 'MSH|ABCD|S|F|R|F|20240501||ADT^A01|C1|P|2.5.1\r', 'AR 102 MSH-2'],
  ['MSH-9 empty', lines(msh('', 'C1'), pid), 'AR 101 MSH-9'],
  ['unknown type', lines(msh('ZZZ^Z01', 'C1'), pid), 'AR 200 MSH-9'],
  ['a type that is not built', lines(msh('ERP^R09', 'C1'), pid), 'AR 200 MSH-9'],
  ['a document without TXA', lines(msh('MDM^T02', 'C1'), pid), 'AE 100 TXA'],
  ['a schedule without SCH', lines(msh('SIU^S12', 'C1'), pid), 'AE 100 SCH'],
  ['unknown event', lines(msh('ADT^Z99', 'C1'), pid), 'AR 201 MSH-9'],
  ['an event of another type', lines(msh('ADT^R01', 'C1'), pid), 'AR 201 MSH-9'],
  ['MSH-10 empty', lines(msh('ADT^A01', ''), pid), 'AR 101 MSH-10'],
  ['unknown processing id', lines(msh('ADT^A01', 'C1', '|Q|2.5.1'), pid), 'AR 202 MSH-11'],
  ['unknown version', lines(msh('ADT^A01', 'C1', '|P|3.0'), pid), 'AR 203 MSH-12'],
  ['a second MSH', lines(msh('ADT^A01', 'C1'), pid, msh('ADT^A08', 'C2'), pid), 'AE 100 MSH[2]'],
];

for (const [name, text, expected] of header) test(`${name} is ${expected}`, () => assert.equal(refusalOf(text), expected));

test('an empty MSH-11 or MSH-12 is read as production and newest, unless the channel is strict', () => {
  const strict = { ...defaultChannel, strictHeader: true };
  assert.equal(refusalOf(lines(msh('ADT^A01', 'C1', '||2.5.1'), pid)), 'accepted');
  assert.equal(refusalOf(lines(msh('ADT^A01', 'C1', '||2.5.1'), pid), strict), 'AR 101 MSH-11');
  assert.equal(refusalOf(lines(msh('ADT^A01', 'C1', '|P|'), pid), strict), 'AR 101 MSH-12');
});

const content: readonly (readonly [string, string, string])[] = [
  ['ADT without PID', lines(msh('ADT^A01', 'C1'), pv1), 'AE 101 PID-3'],
  ['ORU with nothing', oru('NTE|1||a'), 'AE 101 PID-3'],
  ['ORU with a visit before its PID', oru(pv1, pid, obr, 'OBX|1|NM|718-7^HGB^LN||12|g/dL|||||F'), 'AE 101 PID-3'],
  ['ORU with the PID after its results', oru(obr, 'OBX|1|NM|718-7^HGB^LN||12|g/dL|||||F', pid), 'AE 101 PID-3'],
  ['ORU without PID and without OBR', oru('OBX|1|NM|718-7^HGB^LN||12|g/dL|||||F'), 'AE 101 PID-3'],
  ['ADT with two PIDs', lines(msh('ADT^A01', 'C1'), pid, pid), 'AE 100 PID[2]'],
  ['an OBX without any OBR', oru(pid, 'OBX|1|NM|718-7^HGB^LN||12|g/dL|||||F'), 'AE 100 OBX'],
  ['NM with text', oru(pid, obr, 'OBX|1|NM|718-7^HGB^LN||12||||||F', 'OBX|2|NM|718-7^HGB^LN||abc||||||F'), 'AE 102 OBX[2]-5'],
  ['NM beyond any number', oru(pid, obr, `OBX|1|NM|718-7^HGB^LN||${'9'.repeat(400)}||||||F`), 'AE 102 OBX-5'],
  ['a DT that is no day', oru(pid, obr, 'OBX|1|DT|8665-2^LMP^LN||20240230||||||F'), 'AE 102 OBX-5'],
  ['a TM that is no time', oru(pid, obr, 'OBX|1|TM|1-1^T^LN||2561||||||F'), 'AE 102 OBX-5'],
  ['a birth date that is none', lines(msh('ADT^A01', 'C1'), pid.replace('19800102', '19801302')), 'AE 102 PID-7'],
  ['an admission time that is none', lines(msh('ADT^A01', 'C1'), pid, pv1.replace('202405011100', '202405012500')), 'AE 102 PV1-44'],
  ['NUL in a field', lines(msh('ADT^A01', 'C1'), pid.replace('TINA', 'TI\0NA')), 'AE 102 PID-5'],
  ['another control character', lines(msh('ADT^A01', 'C1'), pid.replace('TINA', 'TI\x1cNA')), 'AE 102 PID-5'],
  ['a line that is no segment', lines(msh('ADT^A01', 'C1'), pid, 'the rest of a note'), 'AE 100 PID'],
];

for (const [name, text, expected] of content) test(`${name} is ${expected}`, () => assert.equal(refusalOf(text), expected));

test('Z segments and other unknown segments are accepted', () => {
  assert.equal(refusalOf(lines(msh('ADT^A01', 'C1'), pid, 'ZPI|1|local^thing', pv1, 'ZZ9')), 'accepted');
});
