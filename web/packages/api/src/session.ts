/**
 * Signing in and out, and the access token the official browser SDKs work with.
 */
import { call } from './http.ts';

export type Role = 'agent' | 'supervisor' | 'admin';

export interface Session {
  username: string;
  role: Role;
  worker_sid: string | null;
  workspace_sid: string | null;
  account_sid: string;
}

export interface AccessToken {
  token: string;
  /** ISO date; the server's clock. */
  expires_at: string;
  identity: string;
  worker_sid: string | null;
  workspace_sid: string | null;
  role: Role;
}

const PATH = '/sinew/v1/Session';

export function readSession(): Promise<Session> {
  return call('GET', PATH);
}

export function signIn(username: string, password: string): Promise<Session> {
  return call('POST', PATH, { username, password });
}

export function signOut(): Promise<void> {
  return call('DELETE', PATH);
}

export function requestToken(): Promise<AccessToken> {
  return call('POST', `${PATH}/Token`);
}
