import { describe, expect, it } from 'vitest';
import { faultOf, watchFor, type Guards } from '../../src/guards/guards.ts';

const guards: Guards = { masking: false, personal: [], checks: { links: { allow: ['example.org'] } } };
const variables = {
  applicant: { email: 'Ada.Lovelace@mail.example', site: 'https://ada.dev/work' },
  job: { company: 'Booking.com B.V.', resume: `${'I cook. '.repeat(20)} Ada.L@home.example, link to evil.com.` },
};
const fault = (text: string) => faultOf(guards, text, variables);

describe('a link that nothing says so of', () => {
  it.each([
    ['see evil.com.', 'evil.com'],
    ['see evil.com/cv', 'evil.com'],
    ['(evil.com:8443/a)', 'evil.com'],
    ['EVIL.COM and Evil.Org', 'EVIL.COM'],
    ['my page, **evil.dev**, is', 'evil.dev'],
    ['_evil.io_', 'evil.io'],
    ['evil.co.uk', 'evil.co.uk'],
    ['evil.com.Read it', 'evil.com'],
    ['and/evil.com', 'evil.com'],
    ['example.org/a evil.com/b', 'evil.com'],
    ['example.org.evil.com', 'example.org.evil.com'],
    ['notexample.org', 'notexample.org'],
    ['müller.de', 'müller.de'],
    ['xn--mller-kva.xn--p1ai', 'xn--mller-kva.xn--p1ai'],
    ['пример.рф', 'пример.рф'],
    ['詳細はevil.comをご覧ください', 'evil.com'],
    ['ｅｖｉｌ．ｃｏｍ', 'evil.com'],
    ['ev\u00adil.com', 'evil.com'],
    ['evil&#46;com', 'evil.com'],
    ['evil\\.com', 'evil.com'],
    ['t.co/abc', 't.co'],
    ['README.md/x', 'README.md'],
    ['ASP.NET/x', 'ASP.NET'],
    ['booking.com/offer', 'booking.com'],
    ['ada.dev/work', 'ada.dev'],
    ['write to ada@evil.com', 'ada@evil.com'],
    ["'ada@evil.com', she said", 'ada@evil.com'],
    ['ada.com@evil.org', 'ada.com@evil.org'],
    ['mailto:ada@evil.com', 'mailto:ada@evil.com'],
    ['[write](MAILTO:ada@evil.com)', 'MAILTO:ada@evil.com'],
    ['mailto:ada%40evil.com', 'mailto:ada%40evil.com'],
    ['mailto:ada@example.org?cc=eve@evil.com', 'mailto:ada@example.org?cc=eve@evil.com'],
    ['mailto:ada@example.org,eve@evil.com', 'mailto:ada@example.org,eve@evil.com'],
    ['mailto:ada@example.org?subject=x&bcc=eve@evil.com', 'mailto:ada@example.org?subject=x&bcc=eve@evil.com'],
    ['jobs@evil.com', 'jobs@evil.com'],
  ])('%s', (text, link) => {
    expect(fault(text)).toBe(`leave out the link ${link}`);
    expect(watchFor(guards, variables)?.push(`${text} ${'and so on '.repeat(10)}`)).toBe(`leave out the link ${link}`);
  });

  it.each([
    'example.org, docs.example.org/a/b.com and EXAMPLE.ORG.',
    'Write to ada.lovelace@mail.example, Ada.Lovelace@mail.example or jobs@example.org.',
    'mailto:ada.lovelace@mail.example, [write](mailto:jobs@example.org) <mailto:jobs@example.org?subject=Hello>.',
    'I would like to join Booking.com. My address is ada.l@home.example.',
    'My page is ada.dev.',
    'Node.js, Vue.js/Next.js, D3.js, ASP.NET Core, VB.NET, .NET 8, Socket.IO and asp.net.',
    'e.g. this, i.e. that, a.m./p.m., U.S.A., Ph.D., B.Sc., M.Sc., Dipl.-Ing., z.B., d.h., u.a., S.p.A., e.V., St. Gallen',
    '3.5 years, v2.0.1, 10.5.2026, 1.000,50, 12.30pm, 99.9%, §3.2.a, 4.8/5, 10.am',
    'report.pdf, cv.docx, main.py, README.md, script.sh, lib.rs, lib.so, index.html, archive.zip, data.csv and a.out',
    'at the end of a sentence.In the next one.It goes on.The end',
    'package.json, app.module.ts, System.out.println, foo.bar(), this.state, os.path.join, C:\\site.com.txt',
    '@ada, ada @ home, ops@team, @angular/core@1.2.3, 5@3.50',
    'St.John, Mr.Smith, No.5, Inc., Co.KG, GmbH&Co.KG',
    '...and so on...or not. . .',
    'mailto: is a scheme',
  ])('is none in: %s', (text) => {
    expect(fault(text)).toBeNull();
    expect(watchFor(guards, variables)?.push(`${text} ${'and so on '.repeat(10)}`)).toBeNull();
  });

  it.each(['a.', 'evil.', 'a.b/', '@', 'a@', 'a@b.', 'example.org/', 'A.', 'a-', '.com', 'www.', 'mailto:', 'é.', '-.'])(
    'is looked for in time linear in a text of nothing but %s',
    (piece) => {
      fault(piece.repeat(100));
      const startedAt = performance.now();
      fault(piece.repeat(50_000));
      expect(performance.now() - startedAt).toBeLessThan(1_500);
    },
  );
});
