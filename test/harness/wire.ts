/** Why a mocked model stops, in our words; each wire spells it its own way. */
export type WireFinish = 'stop' | 'length' | 'filter' | 'tools';

export interface WireUsage {
  readonly input: number;
  readonly output: number;
  readonly cached: number;
}

/** How one vendor puts a text on the wire: each method gives the bytes of whole events. */
export interface Wire {
  start(): string;
  text(piece: string): string;
  finish(finish: WireFinish, usage: WireUsage): string;
  /** An error inside the stream. */
  error(message: string): string;
  /** The body of an error response. */
  errorBody(status: number, message: string): string;
}

const sse = (name: string | null, data: unknown) => `${name === null ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;

function chat(): Wire {
  const chunk = (choices: unknown[], more: object = {}) =>
    sse(null, { id: 'chatcmpl-mock', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'mock', choices, ...more });
  const delta = (content: object, reason: string | null = null) =>
    chunk([{ index: 0, delta: content, logprobs: null, finish_reason: reason }], { usage: null });
  return {
    start: () => delta({ role: 'assistant', content: '', refusal: null }),
    text: (content) => delta({ content }),
    finish: (finish, { input, output, cached }) =>
      (finish === 'tools'
        ? delta({ tool_calls: [{ index: 0, id: 'call_mock', type: 'function', function: { name: 'look', arguments: '{}' } }] })
        : '') +
      delta({}, chatReasons[finish]) +
      chunk([], {
        usage: {
          prompt_tokens: input,
          completion_tokens: output,
          total_tokens: input + output,
          prompt_tokens_details: { cached_tokens: cached },
        },
      }) +
      'data: [DONE]\n\n',
    error: (message) => sse(null, { error: { message, type: 'server_error', code: null, param: null } }),
    errorBody: (_status, message) => JSON.stringify({ error: { message, type: 'mock_error', code: null, param: null } }),
  };
}

const chatReasons = { stop: 'stop', length: 'length', filter: 'content_filter', tools: 'tool_calls' } as const;

function responses(): Wire {
  let sequence = 0;
  const event = (type: string, fields: object) => sse(type, { type, sequence_number: sequence++, ...fields });
  const response = (status: string, more: object = {}) => ({
    response: {
      id: 'resp_mock',
      object: 'response',
      created_at: 1_760_000_000,
      status,
      error: null,
      incomplete_details: null,
      model: 'mock',
      output: [],
      ...more,
    },
  });
  return {
    start: () => event('response.created', response('in_progress')) + event('response.in_progress', response('in_progress')),
    text: (delta) =>
      event('response.output_text.delta', { item_id: 'msg_mock', output_index: 0, content_index: 0, delta, logprobs: [] }),
    finish: (finish, { input, output, cached }) => {
      const usage = {
        input_tokens: input,
        input_tokens_details: { cached_tokens: cached },
        output_tokens: output,
        total_tokens: input + output,
      };
      if (finish === 'stop') return event('response.completed', response('completed', { usage }));
      if (finish === 'tools') {
        const item = {
          id: 'fc_mock',
          type: 'function_call',
          status: 'completed',
          call_id: 'call_mock',
          name: 'look',
          arguments: '{}',
        };
        return (
          event('response.output_item.added', { output_index: 1, item: { ...item, status: 'in_progress', arguments: '' } }) +
          event('response.output_item.done', { output_index: 1, item }) +
          event('response.completed', response('completed', { output: [item], usage }))
        );
      }
      const reason = finish === 'length' ? 'max_output_tokens' : 'content_filter';
      return event('response.incomplete', response('incomplete', { incomplete_details: { reason }, usage }));
    },
    error: (message) => event('error', { error: { type: 'server_error', code: 'server_error', message, param: null } }),
    errorBody: (_status, message) => JSON.stringify({ error: { message, type: 'mock_error', code: null, param: null } }),
  };
}

function messages(): Wire {
  const event = (type: string, fields: object = {}) => sse(type, { type, ...fields });
  const stopReasons = { stop: 'end_turn', length: 'max_tokens', filter: 'refusal', tools: 'tool_use' };
  return {
    start: () =>
      event('message_start', {
        message: {
          id: 'msg_mock',
          type: 'message',
          role: 'assistant',
          model: 'mock',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 1, output_tokens: 1 },
        },
      }) +
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
      event('ping'),
    text: (text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    finish: (finish, { input, output, cached }) =>
      event('content_block_stop', { index: 0 }) +
      (finish === 'tools'
        ? event('content_block_start', {
            index: 1,
            content_block: { type: 'tool_use', id: 'toolu_mock', name: 'look', input: {} },
          }) + event('content_block_stop', { index: 1 })
        : '') +
      event('message_delta', {
        delta: { stop_reason: stopReasons[finish], stop_sequence: null },
        usage: {
          input_tokens: input - cached,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: cached,
          output_tokens: output,
        },
      }) +
      event('message_stop'),
    error: (message) => event('error', { error: { type: 'overloaded_error', message } }),
    errorBody: (status, message) =>
      JSON.stringify({
        type: 'error',
        error: { type: anthropicErrorTypes[status] ?? 'api_error', message },
        request_id: 'req_mock',
      }),
  };
}

const anthropicErrorTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
};

function generateContent(): Wire {
  const chunk = (candidate: object, usage: object = { promptTokenCount: 1, totalTokenCount: 1 }) =>
    sse(null, { candidates: [{ index: 0, ...candidate }], usageMetadata: usage, modelVersion: 'mock', responseId: 'mock' });
  const content = (text: string) => ({ content: { parts: [{ text }], role: 'model' } });
  // It says nothing else of a model that waits for what it asked for.
  const reasons = { stop: 'STOP', length: 'MAX_TOKENS', filter: 'SAFETY', tools: 'STOP' };
  const asking = { content: { parts: [{ functionCall: { name: 'look', args: {} } }], role: 'model' } };
  return {
    start: () => chunk({ content: { parts: [{ text: 'Let me think.', thought: true }], role: 'model' } }),
    text: (text) => chunk(content(text)),
    finish: (finish, { input, output, cached }) =>
      chunk(
        { ...(finish === 'tools' ? asking : content('')), finishReason: reasons[finish] },
        {
          promptTokenCount: input,
          candidatesTokenCount: output - 4,
          thoughtsTokenCount: 4,
          cachedContentTokenCount: cached,
          totalTokenCount: input + output,
        },
      ),
    error: (message) => sse(null, { error: { code: 503, message, status: 'UNAVAILABLE' } }),
    errorBody: (status, message) =>
      JSON.stringify({ error: { code: status, message, status: googleStatuses[status] ?? 'UNKNOWN', details: [] } }),
  };
}

const googleStatuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

const wires: Readonly<Record<string, () => Wire>> = {
  '/chat/completions': chat,
  '/responses': responses,
  '/messages': messages,
  ':streamGenerateContent?alt=sse': generateContent,
};

/** The wire of a vendor by the path that is called; a fresh one per response. */
export function wireOf(path: string): Wire {
  const wire = Object.entries(wires).find(([suffix]) => path.endsWith(suffix))?.[1];
  if (!wire) throw new Error(`the mock knows no wire for ${path}`);
  return wire();
}
