import { describe, expect, it } from 'vitest';
import { isIbanSum, isLuhn } from '../../src/guards/checksums.ts';
import { detect } from '../../src/guards/detectors.ts';
import { mask } from '../../src/guards/mask.ts';
import { nationalIds } from '../../src/guards/national-ids.ts';
import { personalFields, type PersonalField } from '../../src/guards/personal.ts';

const found = (text: string) => detect(text).map(({ kind, start, end }) => [kind, text.slice(start, end)]);

const fields: PersonalField[] = [
  { path: ['applicant', 'name'], kind: 'name' },
  { path: ['applicant', 'phone'], kind: 'phone' },
  { path: ['applicant', 'address'], kind: 'address' },
  { path: ['references', '*', 'name'], kind: 'name' },
];
const masked = (text: string, variables: unknown) => {
  const { messages, values } = mask([{ role: 'user', content: text }], variables, fields);
  return { text: messages.at(-1)?.content, values: [...values.values()] };
};

describe('details found by their form', () => {
  it.each([
    ['write to a.b+c@mail.example.org.', 'email', 'a.b+c@mail.example.org'],
    ['{"email":"ingrid@example.org"}', 'email', 'ingrid@example.org'],
    ['<jürgen@bücher.example>', 'email', 'jürgen@bücher.example'],
    ['call +47 555 01 234 now', 'phone', '+47 555 01 234'],
    ['(+44) (0)20 7946 0958', 'phone', '(+44) (0)20 7946 0958'],
    ['0049 30 901820', 'phone', '0049 30 901820'],
    ['020 7946 0958', 'phone', '020 7946 0958'],
    ['(212) 555-0199', 'phone', '(212) 555-0199'],
    ['06 12 34 56 78', 'phone', '06 12 34 56 78'],
    ['Tel.: 555 0123', 'phone', '555 0123'],
    ['card 4111 1111 1111 1111', 'card', '4111 1111 1111 1111'],
    ['378282246310005', 'card', '378282246310005'],
    ['5555-5555-5555-4444 12/27', 'card', '5555-5555-5555-4444'],
    ['DE89 3704 0044 0532 0130 00 and more', 'iban', 'DE89 3704 0044 0532 0130 00'],
    ['GB82WEST12345698765432', 'iban', 'GB82WEST12345698765432'],
    ['NO9386011117947', 'iban', 'NO9386011117947'],
    ['Date of birth: 1990-03-31', 'birth-date', '1990-03-31'],
    ['"birthDate": "31.03.1990"', 'birth-date', '31.03.1990'],
    ['I was born in Oslo on March 3, 1990, and', 'birth-date', 'March 3, 1990'],
    ['born 3rd of May 1988', 'birth-date', '3rd of May 1988'],
    ['geboren am 3. April 1985', 'birth-date', '3. April 1985'],
    ['née le 12/04/1979', 'birth-date', '12/04/1979'],
    ['født 01.02.1980', 'birth-date', '01.02.1980'],
    ['生年月日：1990年3月31日', 'birth-date', '1990年3月31日'],
    ['123-45-6789', 'national-id', '123-45-6789'],
    ['SSN: 123456789', 'national-id', '123456789'],
    ['AB 12 34 56 C', 'national-id', 'AB 12 34 56 C'],
    ['86095742719', 'national-id', '86095742719'],
    ['1 85 05 78 006 084 91', 'national-id', '1 85 05 78 006 084 91'],
    ['756.9217.0769.85', 'national-id', '756.9217.0769.85'],
    ['12345678Z', 'national-id', '12345678Z'],
    ['X1234567L', 'national-id', 'X1234567L'],
    ['RSSMRA85T10A562S', 'national-id', 'RSSMRA85T10A562S'],
    ['811218-9876', 'national-id', '811218-9876'],
    ['811218 9876', 'national-id', '811218 9876'],
    ['010190-1234', 'national-id', '010190-1234'],
    ['010190 1234', 'national-id', '010190 1234'],
    ['131052-308T', 'national-id', '131052-308T'],
    ['BSN: 111222333', 'national-id', '111222333'],
    ['44051401359', 'national-id', '44051401359'],
    ['111.444.777-35', 'national-id', '111.444.777-35'],
    ['130 692 544', 'national-id', '130 692 544'],
  ])('%s', (text, kind, value) => {
    expect(found(text)).toContainEqual([kind, value]);
  });

  it.each([
    ['4111 1111 1111 1111 5500 0000 0000 0004', 'card', ['4111 1111 1111 1111', '5500 0000 0000 0004']],
    ['4111-1111-1111-1111 123 378282246310005', 'card', ['4111-1111-1111-1111', '378282246310005']],
    ['020 7946 0958 / 020 7946 0959', 'phone', ['020 7946 0958', '020 7946 0959']],
    ['0171/1234567 / 0172/7654321', 'phone', ['0171/1234567', '0172/7654321']],
    ['020 7946 0958  020 7946 0958', 'phone', ['020 7946 0958', '020 7946 0958']],
    ['020 7946 0958 020 7946 0959', 'phone', ['020 7946 0958', '020 7946 0959']],
    ['0171 1234567 0172 7654321', 'phone', ['0171 1234567', '0172 7654321']],
    ['+44 20 7946 0958 020 7946 0959', 'phone', ['+44 20 7946 0958', '020 7946 0959']],
    ['06 12 34 56 78 06 12 34 56 79', 'phone', ['06 12 34 56 78', '06 12 34 56 79']],
    ['020 7946 0958 2019-2023', 'phone', ['020 7946 0958']],
    ['123-45-6789 234-56-7890', 'national-id', ['123-45-6789', '234-56-7890']],
    ['86095742719 65929970489', 'national-id', ['86095742719', '65929970489']],
    ['AB 12 34 56 C AB 12 34 57 D', 'national-id', ['AB 12 34 56 C', 'AB 12 34 57 D']],
  ])('%s, one behind the other', (text, kind, values) => {
    expect(found(text)).toEqual(values.map((value) => [kind, value]));
  });

  it.each([
    '2019-2023',
    '03.2019 - 05.2021',
    '1 000 000 000 kroner',
    '200 000 000',
    'between 1990-03-31 and 2001-01-01',
    'cut costs by 12.5 % in 24 months',
    'ISO 9001, 27001 and 14971',
    '4111 1111 1111 1112',
    'DE89 3704 0044 0532 0130 02',
    'XX89 3704 0044 0532 0130 00',
    '666-12-3456',
    '86095742718',
    'BG 12 34 56 C',
    '756.9217.0769.84',
    '12345678A',
    'me @ home, a@b, @handle',
    'a reborn team of 12/04/1979',
  ])('leaves %s', (text) => {
    expect(found(text)).toEqual([]);
  });

  it('knows every id of its list by an example, and no number of nine digits alone', () => {
    expect(nationalIds.map(({ id }) => id)).toHaveLength(16);
    expect(found('123456782')).toEqual([]);
    expect(isLuhn('4111111111111111')).toBe(true);
    expect(isIbanSum('DE89370400440532013000')).toBe(true);
  });
});

describe('details that the variables name', () => {
  const ingrid = { applicant: { name: 'Ingrid Solheim', phone: '+47 555 01 234', address: '12 High Street\nBergen' } };

  it.each([
    ['Ingrid Solheim', 'PERSON_01'],
    ['INGRID SOLHEIM, ingrid  solheim', 'PERSON_01, PERSON_01'],
    ['Dear Ingrid,', 'Dear PERSON_01,'],
    ['SOLHEIM', 'PERSON_01'],
    ['Ingrid Solheims Lebenslauf', 'PERSON_01s Lebenslauf'],
    ["Ingrid's", "PERSON_01's"],
    ['4755501234 and +47-555-01234', '4755501234 and PHONE_01'],
    ['> 12 High Street\n> Bergen', '> ADDRESS_01'],
    ['"12 High Street\\nBergen"', '"ADDRESS_01"'],
    ['ingrid.solheim@example.org', 'EMAIL_01'],
    ['solheim is a place, Solheimsviken too', 'solheim is a place, Solheimsviken too'],
  ])('%s', (text, wanted) => {
    expect(masked(text, ingrid).text).toBe(wanted);
  });

  it('come back as the caller wrote them, one placeholder for one detail', () => {
    const { text, values } = masked('INGRID SOLHEIM; Ingrid Solheim; +4755501234; Ingrid; a@b.org, a@b.org', ingrid);

    expect(text).toBe('PERSON_01; PERSON_01; PHONE_02; PERSON_03; EMAIL_04, EMAIL_04');
    expect(values).toEqual(['Ingrid Solheim', '+47 555 01 234', 'Ingrid', 'a@b.org']);
  });

  it.each([
    ['Will Smith', 'I will ask Will.', 'I will ask PERSON_01.'],
    ['山田 太郎', '山田さんは', 'PERSON_01さんは'],
    ['홍길동', '홍길동은', 'PERSON_01은'],
    ['Müller', 'Herr MÜLLER', 'Herr PERSON_01'],
    ['José Núñez', 'Jose\u0301 Nu\u0301n\u0303ez', 'PERSON_01'],
    ['Anne-Marie O\u2019Neil', 'Anne-Marie', 'PERSON_01'],
    ['Bo "Bobby" (Jr.) [x] $1', 'says "Bo \\"Bobby\\" (Jr.) [x] $1"', 'says "PERSON_01"'],
    ['Dr. Ada von Lovelace', 'Dr. von Neumann met Ada', 'Dr. von Neumann met PERSON_01'],
    ['\u202eIngrid', 'Ingrid', 'PERSON_01'],
    ['X', 'X marks', 'X marks'],
  ])('a name like %s', (name, text, wanted) => {
    expect(masked(text, { applicant: { name } }).text).toBe(wanted);
  });

  it('are those of every item of a list, and nothing that is no text', () => {
    const variables = { applicant: { name: 7 }, references: [{ name: 'Bo Ek' }, {}, { name: 'Cy Dal' }] };

    expect(masked('Bo Ek, Cy Dal, 7', variables).text).toBe('PERSON_01, PERSON_02, 7');
  });

  it('keep nothing of two that overlap', () => {
    const { text, values } = masked('Ask Ingrid Solheim +47 555 01 234.', { applicant: { name: 'Solheim +47' } });

    expect(text).toMatch(/^Ask Ingrid [A-Z]+_01\.$/);
    expect(values).toEqual(['Solheim +47 555 01 234']);
  });
});

describe('placeholders', () => {
  it('give way where the prompt has such a word', () => {
    expect(masked('person_7 is Ingrid', { applicant: { name: 'Ingrid' } }).text).toBe('person_7 is PERSONX_01');
  });

  it('are wide enough that none begins another', () => {
    const many = Array.from({ length: 120 }, (_, index) => `user${index}@example.org`).join(' ');
    const { messages, values } = mask([{ role: 'user', content: many }], {}, []);

    expect(values.size).toBe(120);
    expect(messages.at(-1)?.content.split(' ').at(-1)).toBe('EMAIL_120');
    expect(messages.at(-1)?.content.split(' ')[0]).toBe('EMAIL_001');
  });

  it('are told to the model, and nothing is where nothing is masked', () => {
    const prompt = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'a@b.org' },
    ] as const;

    expect(mask(prompt, {}, []).messages[0]?.content).toMatch(/^Be brief\.\n\n.*EMAIL_01 /);
    expect(mask([{ role: 'user', content: 'Hello.' }], {}, []).messages).toEqual([{ role: 'user', content: 'Hello.' }]);
  });

  it('are the same for the same prompt', () => {
    const prompt = [{ role: 'user' as const, content: 'Ingrid Solheim a@b.org +47 555 01 234' }];
    const variables = { applicant: { name: 'Ingrid Solheim' } };

    expect([...mask(prompt, variables, fields).values]).toEqual([...mask(prompt, variables, fields).values]);
  });
});

describe('personalFields', () => {
  it('are those that the schema says so of, and all with the format email', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', 'x-personal': 'name' },
        mail: { type: 'string', format: 'email' },
        city: { type: 'string' },
        people: { type: 'array', items: { type: 'object', properties: { id: { type: 'string', 'x-personal': 'national-id' } } } },
        aliases: { type: 'array', 'x-personal': 'name', items: { type: 'string' } },
      },
    };

    expect(personalFields(schema)).toEqual([
      { path: ['name'], kind: 'name' },
      { path: ['mail'], kind: 'email' },
      { path: ['people', '*', 'id'], kind: 'national-id' },
      { path: ['aliases', '*'], kind: 'name' },
    ]);
  });
});
