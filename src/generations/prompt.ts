import { complained } from '../guards/guards.ts';
import type { PromptMessage } from '../providers/port.ts';
import { continued } from './continuation.ts';

/** What a model is asked: with what is to be made better (null for nothing), and behind what is written, which may be empty. */
export function promptOf(
  messages: readonly PromptMessage[],
  complaint: string | null,
  written: string,
): readonly PromptMessage[] {
  const asked = complaint === null ? messages : complained(messages, complaint);
  return written === '' ? asked : continued(asked, written);
}
