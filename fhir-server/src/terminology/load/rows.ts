// Release files as streams of rows: tab or pipe separated lines, fixed columns, and https://www.rfc-editor.org/rfc/rfc4180 CSV.
import type { ReleaseFiles } from './archive.ts';
import { ReleaseError } from './release.ts';

/** The lines of a file, without their ends and without a byte order mark. */
export async function* linesOf(files: ReleaseFiles, name: string): AsyncGenerator<string> {
  const stream = (await files.read(name)).setEncoding('utf8');
  let rest = '';
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield bare(line);
  }
  if (rest !== '') yield bare(rest);
}

const bare = (line: string): string => line.replace(/^\uFEFF/, '').replace(/\r$/, '');

export type NamedRow = (column: string) => string;

/** Rows with a header line. @throws ReleaseError when a column that is asked for is not there */
function named(header: readonly string[], cells: readonly string[]): NamedRow {
  return (column) => {
    const index = header.indexOf(column);
    if (index < 0) throw new ReleaseError(`The release file has no column ${column}.`);
    return cells[index] ?? '';
  };
}

/** https://confluence.ihtsdotools.org RF2: tab separated, a header, no quotes. */
export async function* tabRows(files: ReleaseFiles, name: string): AsyncGenerator<NamedRow> {
  let header: readonly string[] | undefined;
  for await (const line of linesOf(files, name)) {
    const cells = line.split('\t');
    if (header) yield named(header, cells);
    else header = cells;
  }
}

/** RRF: pipe separated, no header, each cell followed by a pipe. */
export async function* pipeRows(files: ReleaseFiles, name: string): AsyncGenerator<readonly string[]> {
  for await (const line of linesOf(files, name)) if (line !== '') yield line.split('|');
}

/** Comma separated values with a header; quoted cells may hold commas, quotes and line ends. */
export async function* csvRows(files: ReleaseFiles, name: string): AsyncGenerator<NamedRow> {
  let header: readonly string[] | undefined;
  for await (const cells of csvRecords(linesOf(files, name))) {
    if (header) yield named(header, cells);
    else header = cells;
  }
}

const cell = /"((?:[^"]|"")*)"(?:,|$)|([^,]*)(?:,|$)/y;

async function* csvRecords(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  let open = '';
  for await (const line of lines) {
    const text = open === '' ? line : `${open}\n${line}`;
    // An odd number of quotes: the cell goes on in the next line.
    if ((text.split('"').length - 1) % 2 === 1) {
      open = text;
      continue;
    }
    open = '';
    if (text !== '') yield cellsOf(text);
  }
}

function cellsOf(text: string): string[] {
  const cells: string[] = [];
  cell.lastIndex = 0;
  while (cell.lastIndex <= text.length) {
    const at = cell.lastIndex;
    const match = cell.exec(text);
    if (!match) break;
    cells.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (cell.lastIndex >= text.length) {
      // A comma at the very end opens one more empty cell.
      if (text.endsWith(',') && cell.lastIndex > at) cells.push('');
      break;
    }
  }
  return cells;
}
