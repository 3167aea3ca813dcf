import type { Check } from './check.ts';
import { forbiddenPhrases } from './checks/forbidden-phrases.ts';
import { language } from './checks/language.ts';
import { length } from './checks/length.ts';
import { links } from './checks/links.ts';
import { mustMention } from './checks/must-mention.ts';

/** All checks, in the order in which they are made: a new one is one file and one line here. */
export const checks: readonly Check[] = [length, language, forbiddenPhrases, mustMention, links];
