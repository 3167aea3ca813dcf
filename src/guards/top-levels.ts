/** What hosts end with that programs make links of by themselves. */
const common = new Set(['com', 'net', 'org', 'info']);
const generic = new Set(
  (
    'biz edu gov mil int name pro aero asia coop jobs mobi museum tel travel xyz online site website top shop store club app dev page blog ' +
    'cloud tech space live life link click icu vip work works world news agency email digital solutions services media design studio systems network ' +
    'academy careers center company consulting expert group guru international management marketing training support zone one fun art bio cafe care ' +
    'city host press pub rest review reviews rocks run sale social software team today tools video wiki download stream loan win bid trade party ' +
    'рф укр бел бг срб'
  ).split(' '),
);
/** ISO 3166, and what else of two letters is delegated. */
const countries = new Set(
  (
    'ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu ' +
    'cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ' +
    'ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ' +
    'ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si ' +
    'sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw'
  ).split(' '),
);
/** Those that files end with as well: `README.md`, `main.py`. */
const files = new Set('cc md mk ml pl ps py rs sh so'.split(' '));
/** Names of things to work with, which no reader takes for a host. */
const products = new Set(['asp.net', 'vb.net', 'socket.io']);

/**
 * Whether a reader's program makes a link of a host that stands by itself. `hasPath`: a path, a port or a question follows. Ends other than the best known count in
 * small letters only, and a country's behind two letters at least: `market.In` and `B.Sc` are sentences without a space and degrees, and `.NET` is no end of a host.
 */
export function isLinkedHost(host: string, hasPath: boolean): boolean {
  const dot = host.lastIndexOf('.');
  const [name, end] = [host.slice(0, dot), host.slice(dot + 1)];
  const small = end.toLowerCase();
  if (!hasPath && (end === 'NET' || products.has(host.toLowerCase()))) return false;
  if (common.has(small) || small.startsWith('xn--')) return true;
  if (end !== small) return false;
  if (generic.has(end)) return true;
  return countries.has(end) && /\p{L}/u.test(name) && (hasPath || (!files.has(end) && /[\p{L}\p{N}-]{2}$/u.test(name)));
}
