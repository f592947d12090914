// Clinical language for generated notes: what must stay, and the sentences around what must go. Written for this purpose.

const list = (text: string): readonly string[] => text.trim().split(/\s*\|\s*/);
const lines = (text: string): readonly string[] => text.trim().split(/\n/);

export const brands = list(
  `Lasix|Coumadin|Synthroid|Toprol XL|Lipitor|Zocor|Norvasc|Plavix|Eliquis|Xarelto|Lovenox|Glucophage|Lantus|Humalog|Novolog|Januvia|Jardiance|Farxiga|Ozempic|Trulicity|Zestril|Diovan|Cozaar|Tenormin|Coreg|Aldactone|Dyazide|Bumex|Protonix|Prilosec|Nexium|Pepcid|Zantac|Zofran|Reglan|Tylenol|Motrin|Advil|Aleve|Celebrex|Percocet|Vicodin|Norco|Dilaudid|Ultram|Neurontin|Lyrica|Keppra|Dilantin|Depakote|Tegretol|Lamictal|Topamax|Zoloft|Prozac|Lexapro|Celexa|Cymbalta|Effexor|Wellbutrin|Remeron|Desyrel|Xanax|Ativan|Klonopin|Valium|Ambien|Seroquel|Zyprexa|Risperdal|Abilify|Haldol|Aricept|Namenda|Sinemet|Singulair|Advair|Symbicort|Spiriva|Ventolin|Flovent|Flonase|Claritin|Zyrtec|Benadryl|Allegra|Augmentin|Zithromax|Cipro|Levaquin|Keflex|Bactrim|Flagyl|Rocephin|Zosyn|Vancocin|Diflucan|Valtrex|Tamiflu|Humira|Enbrel|Remicade|Rituxan|Herceptin|Taxol|Avastin|Keytruda|Gleevec|Arimidex|Femara|Fosamax|Prolia|Flomax|Proscar|Viagra|Botox|Epogen|Neupogen|Centrum|Yasmin|Camila|Depo-Provera|Mirena|Premarin|Deltasone|Medrol|Decadron|Imitrex|Narcan|Suboxone|Plaquenil|Imuran|CellCept|Prograf|Kayexalate|Colace|Senokot|MiraLAX|Dulcolax|Abilify Maintena|Accupril|Aciphex|Actos|Adderall|Aldara|Altace|Amaryl|Ambisome|Amoxil|Anaprox|Apriso|Aranesp|Arava|Arcapta|Armour Thyroid|Asacol|Asmanex|Atacand|Atarax|Atrovent|Avandia|Avapro|Avelox|Avodart|Azor|Bactroban|Basaglar|Benicar|Bentyl|Betapace|Biaxin|Boniva|Breztri|Brilinta|Bumetanide|BuSpar|Bydureon|Byetta|Bystolic|Caduet|Calan|Carafate|Cardizem|Cardura|Catapres|Ceftin|Chantix|Cialis|Cleocin|Clozaril|Cogentin|Combivent|Compazine|Concerta|Copaxone|Cordarone|Cosentyx|Crestor|Cubicin|Cytomel|Cytotec|Daliresp|Demerol|Detrol|Dexilant|Diovan HCT|Ditropan|Dovonex|Dulera|Dupixent|Duragesic|Effient|Elavil|Eligard|Elidel|Entresto|Epiduo|EpiPen|Estrace|Evista|Exelon|Famvir|Feldene|Fioricet|Flexeril|Floxin|Focalin|Forteo|Geodon|Glucotrol|Glyxambi|Harvoni|Hytrin|Hyzaar|Imdur|Inderal|Invega|Invokana|Isordil|Jantoven|Janumet|Kenalog|Kombiglyze|Lamisil|Lanoxin|Latuda|Lescol|Levemir|Levitra|Levoxyl|Librium|Lidoderm|Linzess|Lodine|Lomotil|Lopid|Lopressor|Lotensin|Lotrel|Lotrimin|Lovaza|Lunesta|Luvox|Macrobid|Mavik|Maxalt|Maxzide|Mevacor|Micardis|Minocin|Mobic|Mounjaro|Myrbetriq|Nasonex|Niaspan|Nitrostat|Nizoral|Normodyne|Nuvigil|Nuedexta|Omnicef|Onglyza|Orencia|OxyContin|Pamelor|Parlodel|Paxil|Paxlovid|Penicillin VK|Persantine|Phenergan|Pravachol|Precedex|Prevacid|Pristiq|Procardia|Provigil|Pulmicort|Pyridium|Ranexa|Relpax|Renvela|Requip|Restoril|Retin-A|Revatio|Rexulti|Ritalin|Robaxin|Rozerem|Rybelsus|Rythmol|Sandostatin|Savella|Sensipar|Serevent|Skelaxin|Skyrizi|Soma|Sonata|Stelara|Strattera|Stiolto|Sular|Tapazole|Tarceva|Tekturna|Tessalon|Tiazac|Timoptic|Tobradex|Tofranil|Toradol|Toujeo|Tradjenta|Trandate|Travatan|Trelegy|Tremfya|Tresiba|Tricor|Trileptal|Trintellix|Tygacil|Tylenol PM|Uloric|Unasyn|Unithroid|Uroxatral|Valtrex|Vaseretic|Vasotec|Ventavis|Verelan|Vesicare|VESIcare|Viibryd|Vimpat|Viread|Vistaril|Voltaren|Vraylar|Vytorin|Vyvanse|Welchol|Wegovy|Xalatan|Xeljanz|Xenical|Xolair|Xopenex|Xyzal|Yaz|Zanaflex|Zarontin|Zaroxolyn|Zebeta|Zelnorm|Zestoretic|Zetia|Ziac|Zomig|Zonegran|Zovirax|Zyban|Zyloprim|Zytiga|Zyvox|Epinephrine|Advair Diskus|Lopid|Intal|Tegaderm|Dermabond|Surgicel|Marcaine|Xylocaine|Versed|Diprivan|Anectine|Zemuron|Ancef|Kefzol|Solu-Medrol|Vitamin K|Humulin|Lispro|NovoLog Mix|Ensure|Glucerna|Pedialyte|Gatorade|Vicryl|Prolene|Monocryl|Betadine|Hibiclens`,
);
export const generics = list(
  `metoprolol|lisinopril|amlodipine|atorvastatin|simvastatin|furosemide|hydrochlorothiazide|warfarin|apixaban|clopidogrel|aspirin|metformin|insulin glargine|levothyroxine|omeprazole|pantoprazole|gabapentin|sertraline|fluoxetine|escitalopram|trazodone|lorazepam|alprazolam|zolpidem|quetiapine|olanzapine|haloperidol|albuterol|fluticasone|montelukast|prednisone|dexamethasone|amoxicillin|azithromycin|ciprofloxacin|ceftriaxone|vancomycin|piperacillin-tazobactam|acetaminophen|ibuprofen|naproxen|oxycodone|hydromorphone|morphine|tramadol|ondansetron|heparin|enoxaparin|digoxin|amiodarone|carvedilol|losartan|spironolactone|tamsulosin|finasteride|allopurinol|colchicine|methotrexate|hydroxychloroquine|carboplatin|cisplatin|paclitaxel|tamoxifen|letrozole|levetiracetam|phenytoin|valproate|lamotrigine|carbidopa-levodopa|donepezil|memantine|glucosamine|ferrous sulfate|folic acid|bisoprolol|ramipril|valsartan|irbesartan|olmesartan|nifedipine|diltiazem|verapamil|propranolol|atenolol|nadolol|labetalol|hydralazine|clonidine|doxazosin|terazosin|isosorbide mononitrate|nitroglycerin|ranolazine|ezetimibe|rosuvastatin|pravastatin|fenofibrate|niacin|torsemide|bumetanide|metolazone|chlorthalidone|triamterene|eplerenone|sacubitril-valsartan|ivabradine|dabigatran|rivaroxaban|ticagrelor|prasugrel|glipizide|glimepiride|glyburide|pioglitazone|sitagliptin|linagliptin|empagliflozin|dapagliflozin|canagliflozin|semaglutide|liraglutide|dulaglutide|insulin lispro|insulin aspart|NPH insulin|liothyronine|methimazole|propylthiouracil|hydrocortisone|methylprednisolone|fludrocortisone|alendronate|risedronate|zoledronic acid|denosumab|teriparatide|raloxifene|estradiol|progesterone|testosterone|citalopram|paroxetine|venlafaxine|desvenlafaxine|duloxetine|bupropion|mirtazapine|amitriptyline|nortriptyline|doxepin|buspirone|hydroxyzine|clonazepam|diazepam|temazepam|eszopiclone|risperidone|aripiprazole|ziprasidone|clozapine|lithium carbonate|carbamazepine|oxcarbazepine|topiramate|zonisamide|lacosamide|pregabalin|baclofen|tizanidine|cyclobenzaprine|methocarbamol|meloxicam|diclofenac|indomethacin|ketorolac|celecoxib|fentanyl|buprenorphine|methadone|naloxone|naltrexone|sumatriptan|rizatriptan|famotidine|ranitidine|esomeprazole|lansoprazole|sucralfate|metoclopramide|promethazine|loperamide|lactulose|rifaximin|polyethylene glycol|docusate|senna|bisacodyl|mesalamine|azathioprine|mycophenolate|tacrolimus|cyclosporine|adalimumab|etanercept|infliximab|rituximab|trastuzumab|pembrolizumab|bevacizumab|doxorubicin|cyclophosphamide|vincristine|fluorouracil|capecitabine|oxaliplatin|gemcitabine|docetaxel|imatinib|anastrozole|leuprolide|bicalutamide|cephalexin|cefazolin|cefepime|cefdinir|penicillin|ampicillin-sulbactam|nafcillin|meropenem|ertapenem|gentamicin|tobramycin|doxycycline|minocycline|clarithromycin|erythromycin|clindamycin|levofloxacin|moxifloxacin|nitrofurantoin|trimethoprim-sulfamethoxazole|metronidazole|linezolid|daptomycin|fluconazole|voriconazole|nystatin|terbinafine|acyclovir|valacyclovir|oseltamivir|remdesivir|ivermectin|permethrin|hydroxyurea|epoetin alfa|filgrastim|cyanocobalamin|thiamine|magnesium oxide|potassium chloride|calcium carbonate|sodium bicarbonate|tranexamic acid|octreotide|vasopressin|norepinephrine|epinephrine|dopamine|dobutamine|milrinone|propofol|ketamine|midazolam|dexmedetomidine|rocuronium|succinylcholine|lidocaine|bupivacaine|tiotropium|ipratropium|budesonide|formoterol|salmeterol|theophylline|cetirizine|loratadine|diphenhydramine|benzonatate|guaifenesin|latanoprost|timolol|tretinoin|clobetasol|triamcinolone|mupirocin|tetanus toxoid|vitamin D`,
);
export const eponyms = list(
  `Graves' disease|Crohn's disease|Parkinson's disease|Alzheimer's disease|Hodgkin lymphoma|non-Hodgkin lymphoma|Barrett's esophagus|Hashimoto's thyroiditis|Cushing's syndrome|Addison's disease|Raynaud's phenomenon|Sjögren's syndrome|Sjogren syndrome|Marfan syndrome|Down syndrome|Turner syndrome|Wilson's disease|Paget's disease|Bell's palsy|Guillain-Barré syndrome|Wernicke encephalopathy|Korsakoff syndrome|Huntington's chorea|Ehlers-Danlos syndrome|Charcot foot|Baker's cyst|Dupuytren's contracture|Colles fracture|Jones fracture|Mallory-Weiss tear|Meckel's diverticulum|Zenker diverticulum|Budd-Chiari syndrome|Takotsubo cardiomyopathy|Wolff-Parkinson-White|Brugada pattern|Kawasaki disease|Takayasu arteritis|Behçet's disease|Wegener's granulomatosis|Ewing sarcoma|Wilms tumor|Merkel cell carcinoma|Kaposi sarcoma|Burkitt lymphoma|Meniere's disease|Wallenberg syndrome|Brown-Séquard syndrome|Horner's syndrome|Still's disease|Reiter's syndrome|Babinski reflex|Romberg sign|Murphy's sign|McBurney's point|Rovsing sign|Kernig's sign|Brudzinski's sign|Homans sign|Tinel's sign|Phalen test|Lachman test|McMurray's test|Trendelenburg gait|Cheyne-Stokes respirations|Kussmaul breathing|Heberden's nodes|Osler nodes|Janeway lesions|Foley catheter|Hickman line|Swan-Ganz catheter|Jackson-Pratt drain|Penrose drain|Kelly clamp|Bovie cautery|Babcock clamp|Allis clamp|Kocher clamp|Steri-Strips|Doppler ultrasound|Holter monitor|Dix-Hallpike maneuver|Epley maneuver|Valsalva maneuver|Whipple procedure|Nissen fundoplication|Billroth II|Roux-en-Y|Hartmann's procedure|Mohs surgery|Apgar scores of 8 and 9|Glasgow Coma Scale 15|Child-Pugh class B|Gleason score 7|Wells score 4|Braden score 18|Ranson criteria|Duke criteria|Mallampati class II|Breslow depth|Clark level III|Tanner stage IV|Bishop score|Killip class II|Ann Arbor stage III|Centor score|Schatzki ring|Gram stain|Coombs test|Mantoux test|Bence Jones protein|Papanicolaou smear|Giemsa stain|Kerley B lines|Hounsfield units|Swyer|Trousseau sign|Virchow node|Kehr's sign|Cullen's sign|Lhermitte's sign|Hoffmann sign|Spurling test|Trendelenburg position|Fowler's position|Mayfield clamp|Weitlaner retractor|Lister bandage|Thomas splint|Bruce protocol|Lown-Ganong-Levine|Osgood-Schlatter disease|Legg-Calve-Perthes disease|Scheuermann disease|Haglund deformity|Morton's neuroma|Bankart lesion|Hill-Sachs lesion|Monteggia fracture|Galeazzi fracture|Smith fracture|Bennett fracture|Lisfranc fracture|Salter-Harris type II|Garden III|Weber B|Achilles tendon|Eustachian tube|Fallopian tube|Bartholin gland|Cooper's ligament|Langerhans cells|Schwann cell|Purkinje fibers|Circle of Willis|Sphincter of Oddi|Ampulla of Vater|Gerdy's tubercle|Stevens-Johnson syndrome|Henoch-Schönlein purpura|Goodpasture syndrome|Alport syndrome|Fanconi anemia|Von Willebrand disease|Peyronie's disease|Hirschsprung disease|Tourette syndrome|Asperger syndrome|Rett syndrome|Klinefelter syndrome|Prader-Willi syndrome|DiGeorge syndrome|Noonan syndrome|Tetralogy of Fallot|Ebstein anomaly|Eisenmenger syndrome|Dressler syndrome|Prinzmetal angina|Chagas disease|Lyme disease|Legionella|Rocky Mountain spotted fever|West Nile virus|Epstein-Barr virus|Coxsackie virus|Norwalk virus|Pseudomonas aeruginosa|Helicobacter pylori|Salmonella|Mycobacterium avium|Hansen's disease|Ringer's lactate|Hartmann's solution|Caesarean section|McRoberts maneuver|Leopold maneuvers|Braxton Hicks contractions|Pfannenstiel incision|Finkelstein test|Ober test|Thompson test|FABER test|Neer sign|Hawkins sign|Apley test|Thomas test|Rinne test|Weber test|Snellen chart|Ishihara plates|Amsler grid|Goldmann perimetry|Schirmer test|Fuchs dystrophy|Beck Depression Inventory|Hamilton scale|Young Mania Rating Scale|Zung scale|Morse Fall Scale 45|Norton scale|Waterlow score|Rankin score 2|Barthel index|Karnofsky 80|ECOG 1|Fitzpatrick type III|Bristol stool type 4|Bosniak II cyst|Fleischner criteria|Baden-Powell|Hickman catheter|Tenckhoff catheter|Quinton catheter|Groshong line|Broviac line|Yankauer suction|Ambu bag|Kirschner wires|Steinmann pin|Hemovac drain|Malecot catheter|Minerva brace|Philadelphia collar|Aspen collar|Kerlix|Unna boot|Acne vulgaris|Lupus vulgaris|Jehovah's Witness|Dolophine|Mayo stand|Kocher incision|McVay repair|Lichtenstein repair|Bassini repair|Ivor Lewis esophagectomy|Heller myotomy|Puestow procedure|Ross procedure|Fontan circulation|Glenn shunt|Blalock-Taussig shunt`,
);
export const conditions = list(
  `congestive heart failure|type 2 diabetes mellitus|hypertension|hyperlipidemia|COPD exacerbation|community-acquired pneumonia|atrial fibrillation with rapid ventricular response|acute kidney injury|chronic kidney disease stage 3|urinary tract infection|cellulitis of the left lower extremity|deep vein thrombosis|pulmonary embolism|acute pancreatitis|acute appendicitis|cholelithiasis|diverticulitis|gastroesophageal reflux disease|GI bleed|iron deficiency anemia|hypothyroidism|osteoarthritis|rheumatoid arthritis|gout|low back pain|lumbar radiculopathy|rotator cuff tear|osteoporosis|migraine|seizure disorder|ischemic stroke|transient ischemic attack|dementia|major depressive disorder|generalized anxiety disorder|bipolar disorder|schizophrenia|PTSD|alcohol use disorder|opioid use disorder|asthma|obstructive sleep apnea|breast cancer|adenocarcinoma of the colon|prostate cancer|melanoma|acute myeloid leukemia|multiple myeloma|sepsis|cirrhosis|hepatitis C|HIV|psoriasis|eczema|otitis media|sinusitis|pharyngitis|preeclampsia|gestational diabetes|endometriosis|BPH|nephrolithiasis|coronary artery disease|NSTEMI|aortic stenosis|peripheral neuropathy|macular degeneration|cataract|glaucoma|carpal tunnel syndrome|hip fracture|concussion|laceration of the right forearm|croup|bronchiolitis|failure to thrive|kidney stones|sugar|high blood pressure|fibroids|shingles`,
);
export const symptoms = list(
  `chest pain|shortness of breath|dyspnea on exertion|nausea and vomiting|abdominal pain|fever and chills|productive cough|headache|dizziness|palpitations|lower extremity edema|weakness|fatigue|weight loss|night sweats|hematuria|dysuria|constipation|diarrhea|back pain|joint swelling|blurred vision|numbness and tingling|syncope|insomnia|low mood|anxiety|rash|pruritus|sore throat|ear pain|hoarseness|confusion|falls|wheezing|dark stools`,
);
export const numbers = list(
  `BP 128/76|BP 142/88, HR 96, RR 18, T 98.6|HR 72|O2 sat 97% on 2 L|SpO2 94% RA|temp 38.2|weight 189.5 lbs|Wt 72.4 kg|BMI 31.2|5/5 strength|20/40 vision|2+ pulses|grade 2/6 systolic murmur|ejection fraction 55-60%|EF 35%|L4-5|C5-C6|T8-T9|T3 N1b M0|stage IIIA|46.8 Gy in 26 fractions|3 x 4 cm mass|2.1 cm|hemoglobin 13.4|WBC 11.2|platelets 187,000|creatinine 1.02 mg/dL|potassium 3.1|sodium 138 mmol/L (135-145)|glucose 212|A1c 7.4%|HbA1c 8.1|TSH 2.31 uIU/mL|INR 2.3|troponin 0.04|lactate 1.9|pH 7.38|pCO2 41|LDL 131|ALT 45|AST 38|BUN 24|GCS 15|pain 7/10|NYHA class III|FEV1/FVC 0.68|250 mL|1.5 L|EBL 150 mL|500 mg|q6h|x 10 days|3 to 4 weeks|two weeks|14:35|0730|at 2 am|10 cc|G2P1|38 weeks|7 lb 4 oz|12-lead|35-45|1,250 ml/24 h|0.9% NS|1:1000|PT 12.1 PTT 31|CEA 4.2|PSA 6.8|QTc 462|ICD-10 I50.9|CPT 99213|4/10|3-0 Vicryl|No. 15 blade|size 7|18 gauge|60 mEq|D5W at 75|FiO2 40%|PEEP 5|13.2 x 8.1 x 4.4 mm|score of 14`,
);
export const sections = list(
  `HISTORY OF PRESENT ILLNESS|PAST MEDICAL HISTORY|PAST SURGICAL HISTORY|MEDICATIONS|CURRENT MEDICATIONS|ALLERGIES|SOCIAL HISTORY|FAMILY HISTORY|REVIEW OF SYSTEMS|PHYSICAL EXAMINATION|VITAL SIGNS|LABORATORY DATA|IMAGING|ASSESSMENT AND PLAN|IMPRESSION|PLAN|HOSPITAL COURSE|DISPOSITION|Subjective|Objective|Assessment|Plan|HPI|PMH|Meds|Exam|Labs|Follow-up|Chief Complaint|Reason for Visit|Indication|Findings|Technique|Comparison|Procedure|Anesthesia|Complications|Estimated Blood Loss|Specimens|Condition on Discharge|Discharge Instructions|Clinical Information|Gross Description|Diagnosis|Nursing Assessment|Mental Status Exam|Interval History|Response|Action|Data|Risk Assessment`,
);

/** Sentences in which nothing identifies but what a slot puts there. */
export const clinical = lines(`
The patient is a {age}-year-old {man} with {cond} who presents with {sym}.
{age} y/o {man} w/ hx of {cond}, {cond} and {epo} here for {sym}.
{age} yo {man} c/o {sym} x 3 days.
He denies {sym}, {sym}, or {sym}.
She reports {sym} for the last two weeks, worse at night.
Patient reports improvement since starting {drug}.
Past medical history is significant for {cond}, {cond}, and {epo}.
No known drug allergies. Allergic to {drug}.
Current medications include {drug} {num}, {gen} and {brand}.
{brand} 40 mg daily, {gen} 25 mg b.i.d., {brand} as needed.
Continue {gen}. Start {brand}. Hold {drug} in the setting of {cond}.
Exam notable for {epo}. {num}. Lungs clear to auscultation bilaterally.
HEENT: Normocephalic, atraumatic. Pupils equal, round and reactive to light.
CARDIOVASCULAR: Regular rate and rhythm, {num}. No gallops or rubs.
ABDOMEN: Soft, nontender, nondistended. Normal bowel sounds. No hepatomegaly.
EXTREMITIES: No clubbing, cyanosis, or edema. Neuro: alert and oriented x3, {num}.
Labs: {num}, {num}, {num}.
Vitals: {num}, {num}, {num}.
{num}; {num}; {num} H
CT of the abdomen showed no acute findings. {num} in the right upper lobe.
MRI of the lumbar spine shows degenerative change at {num} with mild foraminal narrowing.
Echo today with {num}. EKG shows normal sinus rhythm, nonspecific ST changes.
Chest X-ray without infiltrate or effusion. Doppler negative for DVT.
Will continue to monitor. Recheck labs in the morning. Repeat {num} in 2 weeks.
The risks, benefits and alternatives were explained; all questions were answered and consent was signed.
Follow up in 2 weeks or sooner if symptoms worsen. Return to the ED for {sym}.
Discussed smoking cessation. Drinks two beers on weekends. Retired, lives alone, uses a walker.
Family history is positive for {cond} in her mother and {cond} in his brother.
{epo} was ruled out. Given concern for {cond}, {drug} was started with good effect.
The wound was irrigated, closed with {num}, and dressed. A {epo} was used.
The patient was prepped and draped in the usual sterile fashion.
Hemostasis was achieved with electrocautery. Sponge and needle counts were correct.
Patient tolerated the procedure well and was taken to recovery in stable condition.
Pt ambulated in hall x2 with PT, steady gait. Tolerating regular diet. Voiding without difficulty.
Foley to gravity, draining clear yellow urine. IV site clean, dry, intact.
Assessment: {cond}, likely secondary to {cond}. Plan: {drug}, {drug}, PT/OT consult.
1. {cond} - stable on {drug}. 2. {cond} - increase {gen} to {num}. 3. {epo} - refer.
Mood is depressed, affect constricted. Denies suicidal or homicidal ideation. Insight fair.
Skin warm and dry. Bowel sounds present in all four quadrants. Pain {num}.
Immunizations up to date. Growth along the 50th percentile. Developmental milestones met.
Hello, how are you today? I am okay, the knee still hurts when I climb stairs.
Okay, great. So I'm going to go ahead and order an X-ray and some physical therapy.
Um, yeah, I've been taking the {drug} every day like you said, but I get {sym}.
Good morning. Let me look at your eyes. Follow my finger. Mm-hmm. Right.
I think I took {brand} last Tuesday, and on Monday morning too. My sugars were 112, 145 and 98.
TRANSPLANT SERVICE, INTERVENTIONAL RADIOLOGY AND PHYSICAL THERAPY FOLLOWING.
IMPRESSION: No acute cardiopulmonary process. Mild cardiomegaly. Stable granuloma.
No evidence of {cond}. Findings consistent with {epo}, unchanged. Recommend MRI with contrast.
Specimen received in formalin labeled skin, left arm. Sections show acanthosis with parakeratosis.
Reference range applies to adults. Result verified by repeat analysis. Hemolyzed sample, recollect.
Culture: Escherichia coli > 100,000 CFU/mL, sensitive to {gen}. Staphylococcus aureus not isolated. Blood cultures negative.
Clostridium difficile toxin positive. Enterococcus faecalis; Klebsiella pneumoniae; Streptococcus pyogenes; Candida albicans.
The code status is DNR/DNI. Advance directive on file. Spiritual care offered. Medicare covers the stay.
Oxygen weaned to room air. {num}. Overnight events: none. Diet: cardiac. Activity: as tolerated.
Seen in the Emergency Department, admitted to the Medicine service, transferred to ICU, then to Step-Down Unit.
The Cardiology team was consulted. Neurosurgery recommends no intervention. Hematology to follow.
English is her second language. African American man. Hispanic female. Korean War veteran. French fry injury.
Cervical, Thoracic and Lumbar spine nontender. Normal S1, S2. Left Bundle Branch Block. Type A, Rh positive.
Stage IV disease with metastatic deposits; Dyazide, Centrum, Glucosamine complex.
Per the American Heart Association guideline, target LDL is below 70. Mini-Mental State Exam 27/30. PHQ-9 14, GAD-7 11, MoCA 22/30, CHA2DS2-VASc 4.
Stent placed in the LAD with a Xience 3.0 x 18 mm. Medtronic pacemaker, St. Jude valve and Boston Scientific lead in place. Stryker implant size 4.
Vital signs stable. Afebrile. Patient resting comfortably. Call light within reach. Bed low and locked. Side rails up x2.
She works as a teacher and enjoys gardening. He is a retired truck driver and former smoker, 30 pack-years.
He exercises three times a week. She has two children and a dog. Wife is supportive. Daughter at bedside. Mother present.
Fasting glucose {num}. Lipid panel ordered. Mammogram due in October. Colonoscopy in 5 years. Flu shot given in the fall. Diagnosed in 2014.
since last visit in March he has had no further {sym}; on Sunday he walked two miles.
Take one tablet by mouth twice daily with food. Refills: 3. Dispense #60. Substitution permitted.
PHYSICAL EXAM: {num}. HOSPITAL COURSE: The patient did well. PROCEDURE: Laparoscopic cholecystectomy. Again, thank you for the referral.
Slit lamp exam, visual fields {num}, applanations {num} bilaterally. Chronos VerteFill used. {num} in her right eye, {num} in the left.
Left Knee: Full range of motion. Lachman negative. Right Shoulder: Positive Hawkins and Neer. Strength {num}.
Doctor says to call the nurse line. The surgeon will see you at the clinic. Please ask your pharmacist.
`);

/** Sentences with somebody or something that identifies. `p`: the patient, `d` and `e`: clinicians, `r`: a relative, `x`: anybody. */
export const identifying = lines(`
{title} {p.last} is a {age}-year-old {man} with {cond}.
{p.full} is a {age} year old {man} who presents with {sym}.
{p.first} returns today for follow-up of {cond}. {p.first} says the pain is {num}.
{title} {p.last} was seen by Dr. {d.last} on {date}.
I had the pleasure of seeing {p.full} in clinic on {date}.
pt {p.last} seen w/ {r.first} at bedside, {num}
Seen by {d.init} {cred} and Dr. {e.last}.
Dr. {d.full} was notified of {num} at 14:35.
MD {d.last} aware. RN {e.last} updated. {r.first} called back.
Discussed with {d.full}, who agrees with the plan. {d.last} will follow.
Case discussed with {d.last} from Cardiology and {e.first} {e.last} from Radiology.
Consult {d.last} / {e.last} re: {cond}
attending {d.last}, resident {e.last}, intern {x.last}
Surgeon: {d.full}, {cred}   Assistant: {e.init}
Anesthesia: {d.last}    Scrub: {x.full}   Circulator: {e.full}
His {kin} {r.full} can be reached at {phone}.
Her {kin}, {r.first}, lives in {city}.
{kin} {r.full} at bedside; {r.first} will pick up the prescription.
Lives with {kin} ({r.first}) in {city}, {state}.
Next of kin: {r.full} ({kin}) {phone}
Emergency contact {r.full}, {phone}.
He works at {org} as a machinist.
She is employed by {org} and moved here from {city} in {date}.
He was born in {city} and grew up near {city}.
Transferred from {org} on {date}. Records from {org} requested.
Admitted to {org} from {date} to {date}.
Followed at {org} by Dr. {d.last}.
She goes to {org}; her teacher {title} {x.last} noticed the {sym}.
Patient uses {org} at {street}.
Discharged home to {street}, {city}, {state} {zip}.
Address: {street}, {city} {state} {zip}
New address {street}, {city}. Cell {phone}, e-mail {mail}.
Please call {phone} or write to {mail}.
fax {phone}, tel {phone}
Pager {pager}. Ext {pager}.
Upload at {url} failed from {ip}.
MRN {mrn}, DOB {date}, SSN {ssn}
MRN# {mrn} Acct {other} Visit {other}
Record no. {mrn}; account number {other}; member ID {other}.
Medicare HIC {other}. Policy {other}. Group {other}.
Accession {other} collected {date}.
Specimen {other} received {date}.
Device serial {other}, implanted {date} by Dr. {d.last}.
Pacemaker s/n {other}. Lot {other}.
Vehicle plate {plate}, driver license {other}.
VIN {vin}. Licence {other}. Passport {other}. NPI {npi}. DEA {dea}
Study ID {other}; trial participant {other}
{title} {p.last}'s {drug} was increased on {date}.
{p.last}'s daughter {r.first} called about {drug}.
Low mood since her {kin} {r.first} died on {date}.
{p.full} is a pleasant {age}-year-old {man}.
{title} {p.last} reports that {sym} is better. {title} {p.last} is awake and alert.
{title} {p.last} is a {old}-year-old {man} with {cond}.
{p.first} is a {old}-year-old {man} referred for {cond}.
The site blocked my IP {ip}. Login from {ip} at 14:35.
The patient presented to {org} with {cond}; send back to {org}.
Plans to return to work at {org}. Works at {org} in {city}.
Pharmacy on {street} in {city}. Visiting her {kin} in {city}, {state}.
Facility: {org}
Clinic: {org}
{org} called; {org} will fax records. Care was established at {org}.
prescription for {p.full}; refill of {drug} for {p.full}.
Last {drug} dose {date}. Next visit {date} with Dr. {d.last}.
Echo on {date} showed {num}; compared with {date}.
Surgery was {date} at {org}.
Since {date} has had {sym}. Started {drug} {date}.
A {old}-year-old {man} with {cond}.
{old} y/o {man} from {org}.
Age {old}. {man}, {cond}.
Her mother died at {old} years of age.
electronically signed by {d.full}, {cred} {date}
Signed: {d.listed}, {cred}  {date} 0912
Dictated by: {d.full}   Transcribed: {date}
{d.init} {cred}
-{d.first} {d.last}, {cred}
cc: Dr. {d.last}, Dr. {e.full}, {org}
To: {d.full}  From: {e.full}  Re: {p.full}
Name: {p.listed}
Patient: {p.full}   Room 412B
PATIENT NAME: {p.listed}   MRN: {mrn}
{p.listed} {mrn} {date}
Spoke with {r.first} {r.last} regarding results. {r.last} understands.
Hi {d.first}, this is {p.first} {p.last} calling about my {drug}.
Thanks, {p.first}
Dear {title} {p.last},
Dear Dr. {d.last}: Thank you for referring {p.full} for {cond}.
my name is {p.full} and i was born on {date}
hello {p.first} how are you doing today i am doctor {d.last}
[doctor] hi , {p.first} . [patient] hi , dr. {d.last} .
hey {d.first} can you look at {p.last} in bed 4, {num}
pt known to {d.last}, last seen {date}
{p.last}, {p.first} DOB: {date} Sex: F
{p.first} {p.last} ({date}) {mrn}
d/w {d.last}, agrees w/ {drug}
{d.last} to see pt in am
PCP {d.full} at {org}, {phone}
Interpreter {x.full} ({other}) was present.
Officer {x.last}, badge {other}, brought the patient from {street}.
Neighbor {x.full} found him on the floor at {street}.
The patient, {p.full}, gave consent. Witness: {x.full}.
Social worker {x.full} will contact {org}.
Chaplain {x.last} visited. {r.first} and {x.first} are coming from {city}.
Boyfriend {r.first} smokes. Sister {x.first} has {cond}.
{p.first} plays soccer for {org}.
Traveled to {city} and {city} last month. Came from {city}, {country}.
Pharmacy: {org}, {street}, {city}
Insurance {org} member {other}
Results called to {d.last} by {e.first} at 0912 on {date}.
Read back by {e.full}.
{d.full}, M.D., Department of Medicine, {org}, {city}, {state} {zip}
`);
