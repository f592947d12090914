// Narratives: what may be shown as it is, and every way known to us to make one run something.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { compileValidator } from '../src/validation/index.ts';
import { narrative, patient } from './validationFixtures.ts';

const validator = compileValidator(loadDefinitions());
const ofDiv = (div: unknown): string[] =>
  validator.validate({ ...patient(), text: { status: 'generated', div } }).map(({ code, expression }) => `${code} ${expression}`);

describe('validation: narrative', () => {
  const wrap = (content: string): string => String(narrative(content)['div']);

  it('refuses what runs, loads a frame, or asks for input', () => {
    const attacks = [
      '<script>x</script>',
      '<SCRIPT>x</SCRIPT>',
      '<p onclick="x">x</p>',
      '<img src="x" onerror="x"/>',
      '<iframe src="http://a">x</iframe>',
      '<object data="x">x</object>',
      '<embed src="x"/>',
      '<form action="x">x</form>',
      '<input type="text"/>x',
      '<svg><a>x</a></svg>',
      '<math>x</math>',
      '<style>x</style>',
      '<link rel="x" href="x"/>x',
      '<meta charset="x"/>x',
      '<base href="x"/>x',
      '<a href="javascript:x">x</a>',
      '<a href=" JaVa&#115;cript&#58;x">x</a>',
      '<a href="java&#x0A;script:x">x</a>',
      '<a href="javascript&colon;x">x</a>',
      '<a href="vbscript:x">x</a>',
      '<a href="data:text/html,x">x</a>',
      '<img src="data:image/svg+xml;base64,AAAA"/>x',
      '<p style="background:url(x)">x</p>',
      '<p style="background:url(data:image/png;base64,AA==) url(x)">x</p>',
      '<p style="background:url(data:image/svg+xml;base64,AA==)">x</p>',
      '<p style="width:expression(x)">x</p>',
      '<p style="width:e\\78pression(x)">x</p>',
      '<?php x ?>x',
      '<![CDATA[<script>]]>x',
      '<!--><script>x</script>-->',
      '<!--->x-->',
      '<a href=x>x</a>',
      '<p foo="x">x</p>',
      '<p xlink:href="x">x</p>',
      '<button>x</button>',
      '<video src="x">x</video>',
    ];
    for (const attack of attacks) assert.deepEqual(ofDiv(wrap(attack)), ['value Patient.text.div'], attack);
  });

  it('refuses what is not one well-formed div with content', () => {
    const broken = [
      '<div>x</div>',
      `<div xmlns="http://a">x</div>`,
      '<p xmlns="http://www.w3.org/1999/xhtml">x</p>',
      wrap(''),
      wrap(' <br/> '),
      wrap('<b>x'),
      wrap('<b><i>x</b></i>'),
      wrap('x</div>'),
      `${wrap('x')}y`,
      `${wrap('x')}${wrap('y')}`,
      ` ${wrap('x')}`,
      wrap('1 < 2'),
      wrap('<b title="a" title="b">x</b>'),
      'text',
      '',
      1,
      null,
      `<divx xmlns="http://www.w3.org/1999/xhtml">x</divx>`,
    ];
    for (const div of broken) assert.equal(ofDiv(div)[0]?.endsWith('Patient.text.div'), true, String(div));
  });

  it('takes tables, links, images and comments, and long text quickly', () => {
    const good = [
      '<table border="1"><tr><td colspan="2">a</td></tr></table>',
      '<a href="https://a/b?c=d#e" title="a > b">x</a>',
      '<!-- a - b -->x',
      '<img src="#p"/>',
      "<p class='a'>x</p>",
      '<h1>a</h1><hr />',
      '<p style="color: red; background: url(data: image/png;base64,AA+/==)">x</p>',
    ];
    for (const content of good) assert.deepEqual(ofDiv(wrap(content)), [], content);
    assert.deepEqual(ofDiv(wrap('<b>x</b>'.repeat(50_000))), []);
    assert.equal(ofDiv(wrap(`<b ${' '.repeat(500_000)}`)).length, 1);
  });
});
