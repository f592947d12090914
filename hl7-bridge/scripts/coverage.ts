// `node hl7-bridge/scripts/coverage.ts [folder of the v2-to-FHIR IG]`: writes docs/hl7v2-coverage.md, each segment row of the IG beside what the bridge does with it.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SegmentMap } from '../src/segments/map.ts';
import { rowsInCode, rowsLeft } from '../src/segments/maps/ig-rows.ts';
import { segmentMaps } from '../src/segments/maps/index.ts';

interface IgRow {
  readonly sheet: string;
  readonly field: string;
  readonly attribute: string;
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', end = ''] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end.includes('\n')) rows.push([]);
    if (end === '') break;
  }
  return rows;
}

function readRows(folder: string): IgRow[] {
  return globSync('*.csv', { cwd: folder })
    .sort()
    .flatMap((file) => {
      const sheet = /([A-Z0-9]{3}\[[^\]]+\])/.exec(file)?.[1] ?? file;
      return parseCsv(readFileSync(path.join(folder, file), 'utf8'))
        .slice(2)
        .filter((row) => row[9]?.trim())
        .map((row) => ({ sheet, field: row[1]?.trim() ?? '', attribute: row[9]?.trim() ?? '' }));
    });
}

/** Without the numbers of repetitions and the resource behind a reference, in which the sheets differ from one another. */
function plain(attribute: string): string {
  return attribute
    .replace(/\(.*$/, '')
    .replace(/\[\w*\]/g, '')
    .replace(/="?.*$/, '')
    .toLowerCase();
}

function covers(implemented: string, attribute: string): boolean {
  const [own, wanted] = [plain(implemented), plain(attribute)];
  return own === wanted || wanted.startsWith(`${own}.`);
}

/** The rows of a map, as "field attribute". */
function implementedBy(map: SegmentMap): { field: string; attribute: string }[] {
  const fixed = Object.keys(map.fixed ?? {}).map((attribute) => ({ field: map.segment, attribute }));
  return [
    ...fixed,
    ...map.rows.flatMap((row) =>
      [row.ig ?? row.to, ...(row.also ?? [])].map((attribute) => ({ field: `${map.segment}-${row.field}`, attribute })),
    ),
  ];
}

const maps = Map.groupBy(segmentMaps, ({ sheet }) => sheet);

/** How a row is dealt with: by a table, by code, or not, and why. */
function answerTo({ sheet, field, attribute }: IgRow): readonly ['table' | 'code' | 'left', string] {
  const own = (maps.get(sheet) ?? []).flatMap(implementedBy);
  const isField = (other: string): boolean =>
    other === field || (field === '' && !other.includes('-')) || (!field.includes('-') && !other.includes('-'));
  if (own.some((row) => isField(row.field) && covers(row.attribute, attribute))) return ['table', ''];
  const coded = rowsInCode.find(
    (entry) =>
      entry.sheet === sheet &&
      (entry.fields === '*' || entry.fields.split(' ').includes(field || '-')) &&
      (!entry.attribute || covers(entry.attribute, attribute)),
  );
  if (coded) return ['code', coded.where];
  const left = rowsLeft.find(
    (entry) => entry.sheet.split(' ').includes(sheet) && (entry.fields === '*' || entry.fields.split(' ').includes(field)),
  );
  return ['left', left?.reason ?? 'Not mapped yet.'];
}

function table(rows: readonly IgRow[]): string {
  const answers = rows.map((row) => ({ row, answer: answerTo(row) }));
  const count = (how: string): number => answers.filter(({ answer }) => answer[0] === how).length;
  const done = count('table') + count('code');
  const percent = ((100 * done) / rows.length).toFixed(1);
  const lines = [...Map.groupBy(answers, ({ row }) => row.sheet)].map(([sheet, all]) => {
    const of = (how: string): number => all.filter(({ answer }) => answer[0] === how).length;
    return `| ${sheet} | ${all.length} | ${of('table')} | ${of('code')} | ${of('left')} |`;
  });
  const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
  const left = answers
    .filter(({ answer }) => answer[0] === 'left')
    .map(({ row, answer }) => `| ${row.sheet} | ${cell(row.field)} | \`${cell(row.attribute)}\` | ${cell(answer[1])} |`);
  return `# HL7 v2: rows of HL7's v2-to-FHIR guide

Written by \`node hl7-bridge/scripts/coverage.ts\` from the segment sheets of the guide (1.0.0) and the bridge's own maps; not edited by hand.

${rows.length} rows: ${done} implemented (${percent} %; ${count('table')} by a row of a table in \`hl7-bridge/src/segments\`, ${count('code')} by code), ${count('left')} not.

| sheet | rows | by table | by code | not |
|---|--:|--:|--:|--:|
${lines.join('\n')}

## Rows that are not implemented

| sheet | field | attribute | why |
|---|---|---|---|
${left.join('\n')}
`;
}

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.resolve(process.argv[2] ?? path.join(root, '../shared/reference/v2-to-fhir'), 'segments');
if (!existsSync(folder)) {
  process.stdout.write('The sheets of the v2-to-FHIR guide are not there: nothing is written.\n');
} else {
  writeFileSync(path.join(root, 'docs/hl7v2-coverage.md'), table(readRows(folder)));
}
