// Drugs and eponyms that a classifier takes for names: what it says of them is not believed. Rules that see a title or a role still find such a person.

/**
 * Ends of International Nonproprietary Names that hardly end a name: https://www.who.int/teams/health-product-and-policy-standards/inn/stembook.
 * "-ol", "-in" and other short ends are left out.
 */
const stems =
  /.(?:olol|pril|prilat|sartan|vastatin|fibrate|mab|tinib|ciclib|rafenib|parib|zomib|azole|conazole|prazole|tidine|cillin|mycin|micin|floxacin|oxacin|cycline|gliptin|gliflozin|glutide|glitazone|zepam|zolam|zodone|zapine|peridone|piprazole|oxetine|triptyline|triptan|setron|xaban|gatran|parin|platin|taxel|rubicin|tecan|trexate|trexed|[aio]vir|buvir|caine|curonium|barbital|lukast|meterol|moterol|buterol|tropium|semide|thiazide|thalidone|dipine|afil|zosin|losin|steride|dronate|denoson|vudine|citabine|zolamide|oxone|thyroxine|metformin|profen|coxib|fenac|tasone|nisone|tisone|solone|sonide|phylline|racetam|gabalin|pentin|vaptan|entan|ciguat|stim|poetin|kinra|cept|limus|mustine|fungin|nidazole|bendazole|mectin)$|^cef[a-z]{4,}$/;

/** Brand names and old names without such an end, as labels of medicines have them (FDA National Drug Code Directory, public domain). */
const drugs = new Set(
  `abilify accolate accupril aciphex actemra actonel actos adalat adcetris adderall advair advil afrin aggrenox alavert albuterol aldactone aldara aleve
  alfuzosin alimta alinia aloxi alphagan altace ambien amaryl amitiza ampyra anafranil ancef androgel anoro antabuse apidra apriso aptiom aranesp
  arava aricept arimidex arnuity aromasin aspirin asacol asmanex astelin atacand atarax ativan atripla atrovent aubagio augmentin avandia avapro
  avastin avelox avodart avonex azilect azopt azor bactrim bactroban basaglar belsomra benadryl benicar bentyl benlysta betapace betaseron bevespi biaxin biktarvy
  boniva botox breo breztri brilinta brisdelle briviact bumex buspar bydureon byetta bystolic caduet calan camptosar cafergot capoten carafate carbatrol cardizem
  cardura cartia catapres ceclor celebrex celexa cellcept centrum chantix cialis cimzia cipro claritin cleocin climara clinoril clomid clozaril cogentin colace colazal
  colcrys combivent compazine complera comtan concerta copaxone coreg corlanor cosentyx cosopt coumadin cozaar crestor cubicin cymbalta cytomel cytoxan daliresp
  darvocet daypro decadron delsym deltasone demadex demerol depakote desyrel detrol dexilant diflucan digoxin dilantin dilaudid diovan ditropan dolophine doxil
  dramamine duexis dulcolax dulera duoneb dupixent duragesic dyazide dymista edarbi effexor effient elavil eliquis elidel emend emgality enbrel entocort entresto
  entyvio epipen epivir epogen epzicom erbitux eskalith estrace eucrisa evista excedrin exelon farxiga fanapt faslodex femara fentanyl feosol fetzima fioricet
  flagyl flexeril flomax flonase florinef flovent focalin foradil forteo fortaz fosamax frova gabapentin gas-x genvoya geodon gilenya gleevec glucophage
  glucotrol glucovance glyxambi haldol harvoni herceptin humalog humira humulin hydrodiuril hytrin hyzaar ibrance imbruvica imdur imitrex imodium imuran inderal invega invokana
  isentress isordil januvia janumet jardiance kadcyla kaletra kayexalate keflex kenalog keppra ketorolac keytruda klonopin lamictal lamisil lanoxin lantus lasix latuda
  lescol letairis levaquin levemir levitra levoxyl lexapro librium lidoderm linzess lipitor lithium livalo lodine lomotil lopid lopressor lotensin lotrel lovaza lovenox
  lucentis lumigan lunesta lupron luvox lyrica macrobid maxalt maxzide medrol melatonin mestinon metamucil mevacor miacalcin micardis miralax mirapex mirena mobic morphine
  motrin mucinex multaq myrbetriq nabumetone namenda naprosyn nardil narcan nasacort nasonex neulasta neupogen neurontin nexium niaspan nitrostat nizoral norco norpace norvasc
  novolin novolog nucala nucynta nuvaring ocrevus ofirmev omnaris omnicef onglyza opana opdivo orencia oracea orilissa otezla oxycontin pamelor parlodel parnate
  paxil paxlovid pepcid percocet periactin persantine phenergan plaquenil plavix plendil pletal pravachol precedex premarin prevacid prevagen prevnar prilosec prinivil pristiq proair
  procardia prograf prolia prometrium propecia proscar protonix proventil provera provigil prozac pulmicort qvar ranexa rapamune razadyne rebif reglan relafen relpax remeron
  remicade renvela requip restasis restoril revatio revlimid rexulti rheumatrex risperdal ritalin rituxan robaxin robitussin rocephin rozerem rybelsus rythmol
  sabril savella senokot sensipar septra seroquel shingrix silenor simponi sinemet sinequan singulair skelaxin sonata soriatane spiriva sprycel stalevo stelara strattera
  stribild suboxone subutex sudafed symbicort symbyax synthroid tagamet taltz tamiflu tapazole tarceva tasigna taxol taxotere tecfidera tegretol tekturna temodar tenormin tessalon
  tikosyn timoptic tirosint tivicay tofranil topamax toprol toradol toujeo tracleer tradjenta trandate travatan trelegy tresiba trental tribenzor tricor trileptal trintellix
  triumeq trulicity truvada tums tylenol tysabri uceris uloric ultram unasyn uroxatral valium valtrex vancocin vascepa vaseretic vasotec ventolin verzenio vesicare viagra vibramycin
  viberzi vicodin victoza viibryd vimovo vimpat viread voltaren vraylar vytorin vyvanse welchol wellbutrin wegovy xalatan xanax xarelto xeljanz xeloda xigduo xolair xopenex xyzal
  zanaflex zantac zaroxolyn zebeta zegerid zelnorm zestoretic zestril zetia ziac zithromax zocor zofran zoloft zometa zomig zonegran zosyn zovirax zyban zyloprim zyprexa
  zyrtec zytiga zyvox ozempic mounjaro zepbound nurtec ubrelvy ajovy aimovig skyrizi tremfya rinvoq olumiant cabenuva descovy eylea evenity tezspire lokelma veltassa verquvo
  insulin heparin warfarin tylenol codeine oxycodone hydrocodone hydromorphone methadone naloxone ketamine propofol versed levophed vasopressin dopamine dobutamine epinephrine
  norepinephrine phenylephrine nitroglycerin lidocaine bupivacaine benzonatate guaifenesin magnesium potassium calcium ferrous iron folate thiamine`.split(
    /\s+/,
  ),
);

/** Eponyms and makes that stand without a noun and are hardly a family of a note; with a title before them rules find the person. */
const eponyms = new Set(
  `hashimoto's kawasaki's apgar apgars apley alzheimer alzheimers asperger aspergers babinski bartholin bartholins barrett's barretts behcet behçet bovie braden bristol
  broviac brudzinski brugada burkitt charcot chiari chvostek coban colles crohn crohns cushing's cushingoid dermabond dobhoff doppler dupuytren dupuytrens
  ebstein epley epworth eustachian ewing's fallopian fallot foley foleys fowler's fowlers framingham frenchay gerota giemsa gleason graves' guillain hashimotos
  heberden hemovac hirschsprung hodgkin holter homans horner's huntington's ilizarov kaposi karnofsky kegel kegels kerlix kernig klatskin
  klebsiella korotkoff korsakoff kussmaul lamaze langerhans lasegue lisfranc ludwig's lyme mallampati mantoux marfan marfans mcburney meckel meckels meniere menieres
  mepilex metzenbaum mobitz monocryl monro morton's paget's pagets papanicolaou parkinson parkinson's parkinsons parkinsonism perthes peyronie peyronies
  pfannenstiel prolene purkinje raynaud raynauds reiter's rinne romberg rovsing schatzker schwann sjogren sjogrens sjögren skene snellen spurling
  swan-ganz sweet's takayasu takotsubo tegaderm tenckhoff tinel todd's tourette tourettes trendelenburg treitz trousseau tzanck valsalva vicryl virchow waldeyer wallenberg waterlow
  weber's wegeners wenckebach wernicke wilms wirsung xeroform yankauer ziehl barré cheyne`.split(/\s+/),
);

/** Abbreviations of notes; a family of two to five capitals is none of these. */
const abbreviations = new Set(
  `abi ac acdf aed afib aicd aki alt ama ana aptt ards ast avr bal bbb bcx bmp bnp bph brbpr bue ble bun bx cabg cad cbc cea chf ckd cll cmp cml cmv copd covid covid-19 cpap cpr crp
  crt csf ctab ctr cva cvc cvp cxr dde ddd dexa dic dka dnr dni doe dvt dwi ebl ebv ecg eeg egd ekg emg emt eomi ercp esbl esrd etoh evd fdp fds fev fio2 fvc gcs gerd gi gu gyn hct hcv hdl
  heent hgb hida hiv hld hpi hpv hsv htn hus iabp icd icp icu ii iii inr iud iugr iv ivc ivdu jvd jvp kub lad lbbb lca lcx ldl leep lfts lle lma lmp loc lue lvef lvh mca mcl mcp mds mgus mi mmr mri mrsa mva mvc mvr
  nad ncv nicu nkda npo nsaid nsaids nsr nstemi nsvt obgyn orif osa ou pacu pad pcr pda pe peek peg perrla pet pft picc pid pip pnd pod ppd ppm prbc prn psa ptt ptsd pvc pvd rbbb rbc rca rhf rle rlq rsv rue ruq
  rvr sah scd sdh sle slr snf sob stat std stemi surg svt tah taa tb tee tha tia tka tob tpa tpn tsh tte turp uhr uop uri us uti vac vib vre vsd wbc wnl wpw xrt`.split(
    /\s+/,
  ),
);

/** Words of findings that begin a sentence or a list. */
const findings = new Set(
  `supple trace poor delayed resistant hard dominant benign feel coarse illicit lymphatic high calorie extraocular palpable autoimmune tachycardic bradycardic incisional
  citrus dietary horizontal pedis dorsalis vulgaris superficialis digitorum rigidus prophy nonsterile intact patent tender nontender regular irregular mild moderate severe neck insurance general
  marrow airway caucasian immunology tetanus aircast permacath situ toto mass masses nodes clear brisk equal reactive symmetric midline sinus apex ventral dorsal caudal cephalad serous purulent`.split(
    /\s+/,
  ),
);

const beginnings =
  /^(?:hemi|peri|sub|supra|infra|intra|inter|micro|macro|endo|auto|extra|non|hypo|hyper|poly|musculo|retro|para|trans|electro|cardio|neuro|gastro|hepat|nephr|pneumo|post|anti|fibr|osteo|arthr|bi|recto|vesico|tibio|ileo|colo|broncho|pleuro|thoraco)/;
const ends = /(?:al|ic|ical|ar|ary|ous|oid|ive|ation|gram|plasty|scopic|optic|ptic|chezia|emia|itis|osis|eal|ent|junction)$/;
const strongEnds =
  /(?:plasty|scopy|scopic|chezia|ectomy|ostomy|otomy|graphy|pathy|algia|uria|penia|cytic|plegia|paresis|emesis|kinesia|phagia|pnea|rrhea|rrhagia|genic|itis)$/;

/** Made of the parts of medical words: "hemiarthroplasty", "rectovaginal". */
const isMedical = (small: string): boolean => small.length > 7 && (strongEnds.test(small) || (beginnings.test(small) && ends.test(small)));

/** Whether a word of care stands here and no name: a drug, an eponym that is used alone, an abbreviation or a finding. */
export function isCareWord(word: string): boolean {
  const small = word.toLowerCase().replaceAll('\u2019', "'");
  const bare = small.replace(/'s?$/, '');
  if (drugs.has(small) || eponyms.has(small) || eponyms.has(bare) || findings.has(small)) return true;
  if (small.length > 6 && stems.test(small)) return true;
  return (word === word.toUpperCase() && abbreviations.has(small)) || isMedical(small);
}
