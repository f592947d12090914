// Interactions of the ONC high-priority pairs: what must stay silent first, then what must be found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atc, recogniseDrug, rxnorm } from '../src/analyses/drug-recognition.ts';
import { type CheckedMedication, checkInteractions } from '../src/analyses/medication-interactions.ts';
import { medicationTables } from '../src/knowledge/medication-tables.ts';

const tables = medicationTables();
const byName = (name: string, id = name, more: Partial<CheckedMedication> = {}): CheckedMedication => ({
  id,
  name,
  codings: [],
  active: true,
  ...more,
});
const byCode = (code: string, id = code, more: Partial<CheckedMedication> = {}): CheckedMedication => ({
  id,
  codings: [{ system: rxnorm, code }],
  active: true,
  ...more,
});
const check = (...medications: CheckedMedication[]) => checkInteractions(medications, tables);
const pairIds = (...medications: CheckedMedication[]): string[] => check(...medications).findings.map((f) => f.pair.id);

const silent: readonly (readonly [string, readonly CheckedMedication[]])[] = [
  ['pravastatin is not cleared by CYP3A4', [byName('pravastatin'), byName('clarithromycin')]],
  ['two drugs outside the list', [byName('metformin'), byName('atorvastatin')]],
  ['the same drug twice', [byCode('36567', 'a'), byCode('312961', 'b')]],
  ['the same QT drug twice', [byName('amiodarone', 'a'), byName('amiodarone', 'b')]],
  ['an ended prescription', [byCode('36567'), byCode('21212', 'ended', { active: false })]],
  ['an eye ointment', [byName('erythromycin', 'eye', { route: '54485002' }), byName('clarithromycin')]],
  ['a cream, by its name', [byName('Ketoconazole 20 MG/ML Topical Cream'), byName('simvastatin')]],
  ['a licensed combination alone', [byName('lopinavir / ritonavir')]],
  ['linezolid and a triptan, rejected by the panel', [byName('linezolid'), byName('sumatriptan')]],
  ['linezolid and a sympathomimetic, rejected by the panel', [byName('linezolid'), byName('pseudoephedrine')]],
  ['a H2 blocker with atazanavir, rejected by the panel', [byName('famotidine'), byName('atazanavir')]],
  ['nothing', []],
];
for (const [why, medications] of silent) test(`no finding: ${why}`, () => assert.deepEqual(pairIds(...medications), []));

const found: readonly (readonly [string, string, string])[] = [
  ['methylphenidate', 'phenelzine', 'amphetamine-maoi'],
  ['atazanavir', 'omeprazole', 'atazanavir-ppi'],
  ['febuxostat', 'azathioprine', 'febuxostat-thiopurine'],
  ['fluoxetine', 'tranylcypromine', 'ssri-maoi'],
  ['sertraline', 'linezolid', 'ssri-maoi'],
  ['paroxetine', 'methylene blue', 'ssri-maoi'],
  ['irinotecan', 'ketoconazole', 'irinotecan-cyp3a4-inhibitor'],
  ['meperidine', 'selegiline', 'opioid-maoi'],
  ['amitriptyline', 'isocarboxazid', 'tca-maoi'],
  ['dofetilide', 'haloperidol', 'qt-qt'],
  ['ramelteon', 'fluvoxamine', 'ramelteon-cyp1a2-inhibitor'],
  ['darunavir', "St. John's wort", 'protease-inhibitor-cyp3a4-inducer'],
  ['simvastatin', 'clarithromycin', 'statin-cyp3a4-inhibitor'],
  ['ergotamine', 'ritonavir', 'ergot-cyp3a4-inhibitor'],
  ['tizanidine', 'ciprofloxacin', 'tizanidine-cyp1a2-inhibitor'],
  ['tranylcypromine', 'procarbazine', 'tranylcypromine-procarbazine'],
  ['rizatriptan', 'phenelzine', 'triptan-maoi'],
];
for (const [a, b, id] of found) {
  test(`${a} with ${b} is ${id}, in either order`, () => {
    assert.ok(pairIds(byName(a), byName(b)).includes(id));
    assert.deepEqual(
      check(byName(b), byName(a)).findings.map((f) => [f.pair.id, f.object.ingredient.name]),
      check(byName(a), byName(b)).findings.map((f) => [f.pair.id, f.object.ingredient.name]),
    );
    assert.deepEqual(check(byName(a), byName(b)).unrecognised, []);
  });
}

test('each of the 15 pairs has a drug on both sides that this test has seen', () => {
  assert.deepEqual([...new Set(found.map(([, , id]) => id))].sort(), tables.pairs.map((p) => p.id).sort());
});

test('codes decide: a RxNorm clinical drug, an ATC code, and a display that says something else', () => {
  const clarithromycin = { id: 'c', active: true, codings: [{ system: atc, code: 'J01FA09', display: 'metformin' }] };
  assert.deepEqual(pairIds(byCode('312961'), clarithromycin), ['statin-cyp3a4-inhibitor']);
});

test('a drug in two classes is found in both', () => {
  assert.deepEqual(pairIds(byName('fluvoxamine'), byName('tizanidine'), byName('phenelzine')).sort(), [
    'ssri-maoi',
    'tizanidine-cyp1a2-inhibitor',
  ]);
});

test('a combination is its ingredients; a repeated drug gives one finding that names all its medications', () => {
  const { findings } = check(byName('lopinavir / ritonavir', 'kaletra'), byCode('36567', 'one'), byCode('312961', 'two'));
  assert.deepEqual(
    findings.map((f) => f.precipitant.ingredient.name),
    ['lopinavir', 'ritonavir'],
  );
  assert.deepEqual(findings[0]?.object.medications, ['one', 'two']);
});

test('what is not known is named, a combination known in part too, and the known part is still checked', () => {
  const unknown = byCode('99999999', 'unknown');
  const half = byName('Simvastatin 20 MG / Newdrug 5 MG Oral Tablet', 'half');
  const { findings, unrecognised } = check(unknown, half, byName('clarithromycin'), byCode('88888888', 'ended', { active: false }));
  assert.deepEqual(unrecognised, ['unknown', 'half']);
  assert.equal(findings.length, 1);
});

test('a name is a whole word: "nicotinamide" holds no nicotine', () => {
  assert.deepEqual(recogniseDrug(byName('nicotinamide 500 MG'), tables).ingredients, []);
});

test('a finding rests on verified rows only when the pair and both memberships are', () => {
  assert.equal(check(byName('methylphenidate'), byName('phenelzine')).findings[0]?.verified, true);
  assert.equal(check(byName('simvastatin'), byName('clarithromycin')).findings[0]?.verified, false);
});

test('the tables agree with themselves: names, classes, codes and sources', () => {
  const names = new Set(tables.ingredients.map((i) => i.name));
  assert.equal(names.size, tables.ingredients.length);
  const rxcuis = tables.ingredients.flatMap((i) => i.rxcui ?? []);
  assert.equal(new Set(rxcuis).size, rxcuis.length);
  assert.equal(tables.pairs.length, 15);
  for (const group of tables.classes) for (const { ingredient } of group.members) assert.ok(names.has(ingredient), ingredient);
  for (const drug of tables.clinicalDrugs) for (const ingredient of drug.ingredients) assert.ok(names.has(ingredient), ingredient);
  for (const { object, precipitant } of tables.pairs)
    for (const id of [object, precipitant])
      assert.ok(
        tables.classes.some((c) => c.id === id),
        id,
      );
  for (const row of [...tables.ingredients, ...tables.clinicalDrugs, ...tables.pairs])
    assert.ok(row.source && typeof row.verified === 'boolean');
});
