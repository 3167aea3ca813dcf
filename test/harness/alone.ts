/** Test files that need a process of their own: one mocks a module that others have loaded by then, one weighs the whole heap. */
export const alone = ['test/unit/graphql-pipeline.test.ts', 'test/faults/slow-readers.test.ts'];
