/** Why a signal is aborted when what it was for is simply over. One for all: Node makes a new one, with a stack, for each `abort()` that gives none. */
export const over = new DOMException('this is over', 'AbortError');
