import { checkOf, holds, plain, textsOf } from '../check.ts';
import { textsAt } from '../personal.ts';
import { withoutInvisible } from '../strip.ts';

/**
 * Variables, by their path (`job.company`, `projects.*.name`), whose texts must be in the text, in any case; those that are absent need not be. An
 * English article before a name may be left out.
 */
export const mustMention = checkOf('mustMention', read, ({ text, variables }, paths) => {
  const said = plain(text);
  const missing = paths
    .flatMap((path) => textsAt(variables, path.split('.')))
    .filter((value) => !holds(said, plain(value).replace(/^the (?=\S)/, '')));
  return missing.length > 0
    ? `mention ${missing
        .slice(0, 20)
        .map((value) => JSON.stringify(withoutInvisible(value).trim()))
        .join(', ')}`
    : null;
});

function read(settings: unknown): readonly string[] | string {
  const isPath = (path: string): boolean => /^[A-Za-z]\w*(?:\.(?:\*|[A-Za-z]\w*))*$/.test(path);
  const paths = textsOf(settings, 50);
  return paths?.every(isPath) ? paths : 'must be a list of at most 50 paths of variables, such as job.company';
}
