import { describe, expect, it } from 'vitest';
import { detect } from '../../src/guards/detectors.ts';
import { fold } from '../../src/guards/fold.ts';
import { mask } from '../../src/guards/mask.ts';
import { sentAndBack } from '../harness/masking.ts';
import { randomOf } from '../harness/random.ts';

const found = (text: string) => detect(text).map(({ kind, start, end }) => [kind, text.slice(start, end)]);

const masked = (text: string, name: string) => sentAndBack(text, { name }, [{ path: ['name'], kind: 'name' }]);

describe('postal addresses', () => {
  it.each([
    ['I live at 12 High Street.', ['12 High Street']],
    ['12 High Street, Leeds LS1 4DY', ['12 High Street, Leeds LS1 4DY']],
    ['Flat 3, 221b Upper Baker Street, London NW1 6XE, UK', ['Flat 3, 221b Upper Baker Street, London NW1 6XE']],
    ['1600 Pennsylvania Avenue NW, Washington, DC 20500', ['1600 Pennsylvania Avenue NW, Washington, DC 20500']],
    ['742 Evergreen Terrace, Springfield, IL 62704-1234.', ['742 Evergreen Terrace, Springfield, IL 62704-1234']],
    ['350 5th Ave, Apt 4B, New York, NY 10118', ['350 5th Ave, Apt 4B, New York, NY 10118']],
    ['12 St. Mary Rd, Dublin', ['12 St. Mary Rd']],
    ['24 Sussex Drive, Ottawa, ON K1M 1M4', ['24 Sussex Drive, Ottawa, ON K1M 1M4']],
    ['8 Oak Close\nLeeds LS1 4DY\n', ['8 Oak Close', 'Leeds LS1 4DY']],
    ['> 8 Oak Close\n> Mobile: none', ['8 Oak Close']],
    ['Address: 8 Oak Close and', ['8 Oak Close']],
    ['12 HIGH STREET', ['12 HIGH STREET']],
    ['P.O. Box 1234, Springfield, IL 62704', ['P.O. Box 1234, Springfield, IL 62704']],
    ['Postfach 12 34', ['Postfach 12 34']],
    ['po box no. 12, apartado de correos 7', ['po box no. 12', 'apartado de correos 7']],
    ['Leeds LS1 4DY', ['LS1 4DY']],
    ['SW1A 1AA', ['SW1A 1AA']],
    ['Hauptstraße 12a, 10115 Berlin', ['Hauptstraße 12a, 10115 Berlin']],
    ['wohnt in der Goethestr. 5', ['Goethestr. 5']],
    ['Berliner Straße 7-9\n10713 Berlin', ['Berliner Straße 7-9', '10713 Berlin']],
    ['Unter den Linden 77, D-10117 Berlin', ['Unter den Linden 77, D-10117 Berlin']],
    ['Am Markt 3, 50667 Köln', ['Am Markt 3, 50667 Köln']],
    ['An der Alster 12\n> 20099 Hamburg', ['An der Alster 12', '20099 Hamburg']],
    ['Schillerplatz 4, 1010 Wien', ['Schillerplatz 4, 1010 Wien']],
    ['MÜLLERSTRASSE 9', ['MÜLLERSTRASSE 9']],
    ['Kerkstraat 12, 1017 GA Amsterdam', ['Kerkstraat 12, 1017 GA Amsterdam']],
    ['Storgata 12, 5003 Bergen', ['Storgata 12, 5003 Bergen']],
    ['Drottninggatan 5, 111 51 Stockholm', ['Drottninggatan 5, 111 51 Stockholm']],
    ['12 rue de la Paix, 75002 Paris', ['12 rue de la Paix, 75002 Paris']],
    ['5 bis, avenue Foch', ['5 bis, avenue Foch']],
    ['Calle de Alcalá, 12, 28014 Madrid', ['Calle de Alcalá, 12, 28014 Madrid']],
    ['Via Roma 12, 20121 Milano', ['Via Roma 12, 20121 Milano']],
    ['１２ Ｈｉｇｈ Ｓｔｒｅｅｔ', ['１２ Ｈｉｇｈ Ｓｔｒｅｅｔ']],
  ])('%j', (text, values) => {
    expect(found(text)).toEqual(values.map((value) => ['address', value]));
  });
});

describe('names on other sites', () => {
  it.each([
    ['https://www.linkedin.com/in/maren-a-92/', 'maren-a-92'],
    ['see de.linkedin.com/in/maren.', 'maren'],
    ['github.com/marena/letters', 'marena'],
    ['[code](https://GitHub.com/MarenA)', 'MarenA'],
    ['marena.github.io/letters', 'marena'],
    ['https://x.com/marena, and', 'marena'],
    ['youtube.com/@maren.tv', 'maren.tv'],
    ['https://mastodon.social/@marena', 'marena'],
    ['xing.com/profile/Maren_A', 'Maren_A'],
    ['Twitter: @marena_', 'marena_'],
    ['Telegram @marena', 'marena'],
  ])('%s', (text, value) => {
    expect(found(text)).toEqual([['handle', value]]);
  });

  it.each([
    ['Maren Adeyemi', 'maren_adeyemi', 'HANDLE_01'],
    ['Maren Adeyemi', 'I am @MarenAdeyemi92 there', 'I am @HANDLE_01 there'],
    ['Maren Adeyemi', 'adeyemi-maren.pdf', 'HANDLE_01.pdf'],
    ['Maren Adeyemi', 'm.adeyemi', 'HANDLE_01'],
    ['Maren Adeyemi', 'marenadeyemi.example', 'HANDLE_01.example'],
    ['Maren Ngozi Adeyemi', 'maren_adeyemi, maren.ngozi.adeyemi', 'HANDLE_01, HANDLE_02'],
    ['Anne-Marie O’Neil', 'annemarie_oneil', 'HANDLE_01'],
    ['Jürgen Müller', 'juergen.mueller and jurgen-muller', 'HANDLE_01 and HANDLE_02'],
    ['Jürgen Müller', 'Juergen Mueller', 'PERSON_01'],
    ['José Núñez', 'Jose Nunez', 'PERSON_01'],
    ['Dr. Ada von Lovelace', 'adalovelace', 'HANDLE_01'],
    ['山田 太郎', '山田太郎さん', 'PERSON_01さん'],
    ['Ingrid Solheim', 'Ｉｎｇｒｉｄ Ｓｏｌｈｅｉｍ', 'PERSON_01'],
    ['Ingrid Solheim', '𝐈𝐧𝐠𝐫𝐢𝐝 𝐒𝐨𝐥𝐡𝐞𝐢𝐦 wrote', 'PERSON_01 wrote'],
    ['İbrahim Işık', 'IBRAHIM IŞIK, ibrahim_işık', 'PERSON_01, HANDLE_02'],
    // Shorter ones, parts alone, and what goes on are other words.
    ['Bo Ek', 'a boek', 'a boek'],
    ['Will Power', 'willpowered', 'willpowered'],
    ['A. Long', 'all along', 'all along'],
    ['Maren Adeyemi', 'maren, xmaren_adeyemi', 'maren, xmaren_adeyemi'],
  ])('%s spelled %s', (name, text, sent) => {
    expect(masked(text, name).sent).toBe(sent);
  });

  it('come back as they were spelled', () => {
    const text = 'github.com/maren_adeyemi, Maren-Adeyemi, Jürgen';

    expect(masked(text, 'Maren Adeyemi').back).toBe(text);
  });
});

describe('full-width and other spellings of the same', () => {
  it.each([
    ['ｉｎｇｒｉｄ＠ｅｘａｍｐｌｅ．ｏｒｇ', 'email', 'ｉｎｇｒｉｄ＠ｅｘａｍｐｌｅ．ｏｒｇ'],
    ['…１２３ ½ ㎏ ｂ＠ｃ．ｏｒｇ²', 'email', 'ｂ＠ｃ．ｏｒｇ'],
    ['＋４７ ５５５ ０１ ２３４', 'phone', '＋４７ ５５５ ０１ ２３４'],
    ['㎏ ＋４７　５５５　０１　２３４㎏', 'phone', '＋４７　５５５　０１　２３４'],
    ['+47\u2009555\u202f01\u00a0234', 'phone', '+47\u2009555\u202f01\u00a0234'],
    ['４１１１ １１１１ １１１１ １１１１', 'card', '４１１１ １１１１ １１１１ １１１１'],
    ['4111 1111 1111 1111²', 'card', '4111 1111 1111 1111'],
    ['ＤＥ８９ ３７０４ ００４４ ０５３２ ０１３０ ００', 'iban', 'ＤＥ８９ ３７０４ ００４４ ０５３２ ０１３０ ００'],
    ['１２３－４５－６７８９', 'national-id', '１２３－４５－６７８９'],
    ['ﬁne: née le １２／０４／１９７９', 'birth-date', '１２／０４／１９７９'],
    ['𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏', 'card', '𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏'],
  ])('%s', (text, kind, value) => {
    expect(found(text)).toContainEqual([kind, value]);
  });

  it('are found where they stand, whatever became longer or shorter before and behind', () => {
    const random = randomOf(4_004);
    const others = [
      'ﬁ',
      'ﷺ',
      '½',
      '㎏',
      '…',
      'e\u0301',
      'ｶﾞ',
      '한',
      '\u1112\u1161\u11ab',
      '𝐀',
      '👩‍💻',
      '²',
      '´',
      'İ',
      ' ',
      'a',
      '山',
      'ß',
      '\u0301',
    ];
    const details = ['ｂ＠ｃｄ．ｏｒｇ', 'b@cd.org', 'Ｉｎｇｒｉｄ', '+47 555 01 234', '４１１１ １１１１ １１１１ １１１１'];
    for (let round = 0; round < 3_000; round++) {
      const detail = random.pick(details);
      const noise = (): string => Array.from({ length: random.whole(0, 6) }, () => random.pick(others)).join('');
      const [before, behind] = [`${noise()}; `, ` ;${noise()}`];
      const { messages, values } = mask([{ role: 'user', content: before + detail + behind }], { name: 'Ingrid' }, [
        { path: ['name'], kind: 'name' },
      ]);
      const placeholder = [...values.keys()][0] ?? 'none';

      const sent = messages.at(-1)?.content;
      if (sent !== before + placeholder + behind) expect({ sent }).toEqual({ sent: before + placeholder + behind });
    }
  });

  it('have a way back that covers whole characters, and is the text itself where nothing changes', () => {
    const random = randomOf(15);
    const pieces = ['ﬁ', 'ﷺ', '½', '㎏', 'e\u0301', 'ｶﾞ', '𝐀', 'x', '山', '９'];
    for (let round = 0; round < 1_000; round++) {
      const text = Array.from({ length: random.whole(1, 12) }, () => random.pick(pieces)).join('');
      const folded = fold(text);
      expect(folded.lower).toHaveLength(folded.text.length);
      expect(folded.back(0, folded.text.length)).toEqual({ start: 0, end: text.length });
      let last = 0;
      for (let at = 0; at < folded.text.length; at++) {
        const { start, end } = folded.back(at, at + 1);
        // What one unit came from folds to a text with this unit, and nothing is left out between two.
        if (!fold(text.slice(start, end)).text.includes(folded.text[at] ?? '') || start > last)
          expect({ text, at, start, end }).toEqual('its own character');
        last = end;
      }
    }
    expect(fold('plain text').back(3, 7)).toEqual({ start: 3, end: 7 });
  });
});

describe('sentences of letters and postings', () => {
  it.each([
    'I have 5 years of experience and led 12 people in 3 countries.',
    'See Section 12 and Appendix B 4 of the report.',
    'Open 24 hours, 7 days a week; rated 4.8 out of 5 Stars.',
    'Node 24.21.0, Python 3.12, TypeScript 5.9 and ISO 27001.',
    'A salary of $45,000 to $60,000, or €52.000 brutto im Jahr.',
    'From 03/2019 to 05/2021, and since June 2022 at Fjord Logistics.',
    'January 2019 - March 2023: Senior Engineer, Level 3 Support',
    'In 2019 Wall Street fell and 2020 Main Street suffered.',
    'We migrated 10 Google Drive accounts and 5 Big Data Warehouse Systems.',
    'Top 5 High Street brands trusted us.',
    'I ran 3 Market Square events; 20 Best Places to Work 2023.',
    'Managed 200 B2B 3PL clients and 64GB, S3 5TB, M4 2GB machines.',
    'Office 365, Windows 11, Room 12, Gate 4, Platz 1, Team 7.',
    'Ich suche einen Arbeitsplatz 4.0 mit 30 Urlaubstagen und 12000 Kunden.',
    'Seit 2019 bin ich am Standort 3 im Team 12, Schicht 2.',
    'Der Arbeitsmarkt 2024 ist schwierig; auf dem Weltmarkt 3 Wettbewerber.',
    'Delegate 3 tasks, investigate 12 incidents. Investigate 4 more.',
    'In den Jahren 2019 bis 2023 und im Quartal 3, 2024 Umsatz 12 Mio.',
    'A 5 Star Hotel, a 3 Way Match, 12 Month Close, a 9 Hole Course.',
    'Grew ARR by 35 % to 1,250,000 in Q3 2024 (FY24: 12 x).',
    'Call to action 10 20 30 40 50 60 70 80 90.',
    'Reduced p99 from 1200 ms to 85 ms on 16 vCPU / 64 GB.',
    'Our code is at github.com/features/actions and linkedin.com/company/acme.',
    'npm install @angular/core @types/node; and/or, 24/7, CI/CD.',
    'subscription($s: Boolean!) { a: x @skip(if: $s) b: x }',
    'GitHub: Actions and pull requests; X: the unknown; Instagram campaigns.',
    'Reference 2024-117, job ID 48213, requisition R-00912.',
    'A budget of 1 200 000 kr and 3 500 m2; 12 square feet; 5 place settings.',
    'Kapitel 3 Abs. 2, § 12 Abs. 4 Satz 1, Art. 6 DSGVO.',
    'J’ai 12 ans d’expérience et 3 places au sein de 2 équipes.',
    'Tengo 5 años de experiencia; plaza 3 de 10; en 2021 dirigí 12 proyectos.',
    'Via Slack 24 people answered; via Teams 7.',
    'Full-time, 37.5 hours, hybrid (2 days), start 1 August 2026.',
    'My GPA was 3.9/4.0; TOEFL 112, IELTS 8.5, GRE 330.',
    '１２ years, ５ people … ½ day, 10² users, ①②③ done.',
  ])('%s', (text) => {
    expect(found(text)).toEqual([]);
    expect(masked(text, 'Maren Adeyemi').sent).toBe(text);
  });
});

describe('masking', () => {
  it.each([
    ['letters', 'a'.repeat(40_000) + '_1'],
    ['words with numbers', 'Street 1 '.repeat(5_000)],
    ['numbers', '12 '.repeat(14_000)],
    ['digits', '1'.repeat(40_000)],
    ['numbers with a zero', '012345678 '.repeat(4_000)],
    ['names of streets', `12 ${'High '.repeat(8_000)}`],
    ['slashes', 'github.com/'.repeat(4_000)],
    ['at signs', '@'.repeat(40_000)],
    ['marks', `e${'\u0301'.repeat(40_000)}`],
    ['wide letters', 'ａ１＠'.repeat(13_000)],
    ['capitals', `${'A'.repeat(40_000)} 12`],
    ['name', 'maren_'.repeat(8_000)],
    ['postcodes', 'LS1 '.repeat(10_000)],
    ['spaces', `maren${' '.repeat(40_000)}`],
  ])('takes time linear in a text of nothing but %s', (_what, text) => {
    const time = (length: number): number => {
      const part = text.slice(0, length);
      const startedAt = performance.now();
      masked(part, 'Maren Adeyemi');
      return performance.now() - startedAt;
    };
    time(2_000);
    expect(time(text.length)).toBeLessThan(1_000);
  });
});

it('reads digits of other scripts', () => {
  expect(found('هاتف ٠٥٥٥ ١٢٣ ٤٥٦٧، ۰۹۱۲۱۲۳۴۵۶۷؛ ०९८७६ ५४३२१')).toEqual([
    ['phone', '٠٥٥٥ ١٢٣ ٤٥٦٧'],
    ['phone', '۰۹۱۲۱۲۳۴۵۶۷'],
    ['phone', '०९८७६ ५४३२१'],
  ]);
  expect(found('card ٤١١١ ١١١١ ١١١١ ١١١١')).toEqual([['card', '٤١١١ ١١١١ ١١١١ ١١١١']]);
  expect(found('من ٢٠١٩ إلى ٢٠٢٣')).toEqual([]);
});

describe('a known detail', () => {
  const sentWith = (kind: 'name' | 'birth-date', value: string, text: string) => {
    const { sent, back } = sentAndBack(text, { value }, [{ path: ['value'], kind }]);
    expect(back).toBe(text);
    return sent.replaceAll(/(?:PERSON|BIRTHDATE)X*_\d+/g, '…');
  };

  it.each<['name' | 'birth-date', string, string, string]>([
    [
      'birth-date',
      '1990-03-12',
      '12.3.1990; 12.03.1990; 3/12/1990; 12/03/90; 12. 3. 1990; 1990/03/12; 12 March 1990; March 12, 1990; March 12th, 1990',
      '…; …; …; …; …; …; …; …; …',
    ],
    ['birth-date', '2001-11-02', '2nd of November 2001, 2. November 2001, 2 Nov 2001, 2 de noviembre de 2001', '…, …, …, …'],
    [
      'birth-date',
      '1990-03-12',
      '112.3.1990, 12.3.19901, March 1990, version 12.3',
      '112.3.1990, 12.3.19901, March 1990, version 12.3',
    ],
    ['birth-date', '1990-13-77', '13.77.1990', '13.77.1990'],
    ['name', 'Νίκος Παπάς', 'ΝΙΚΟΣ ΠΑΠΑΣ, Νικος Παπας, Νίκος Παπάς', '…, …, …'],
    ['name', 'Иван Ёлкин', 'Иван Елкин', '…'],
    ['name', '山田太郎', '山田 太郎です。山田　太郎', '…です。…'],
    ['name', '山田 太郎', '山田太郎です。', '…です。'],
    ['name', '김철수', '김 철수', '…'],
  ])('(%s) %s is kept in: %s', (kind, value, text, wanted) => {
    expect(sentWith(kind, value, text)).toBe(wanted);
  });
});
