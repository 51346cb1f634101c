/**
 * What is ours alone on the server. Everything else the pages do goes through the official SDKs.
 */
export * from './chat-demo.ts';
export * from './disposition.ts';
export * from './happenings.ts';
export * from './http.ts';
export * from './session.ts';
export * from './transfer.ts';
