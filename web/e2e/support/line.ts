/**
 * A line between browser and server that can be cut.
 *
 * - Cut, it swallows everything in silence, as a network does; nobody is told.
 * - Mended, connections from before are gone, as behind a router that forgot them.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface Line {
  base: string;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function makeLine(target: string): Promise<Line> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    sockets.add(near);
    near.on('error', () => undefined);
    near.on('close', () => sockets.delete(near));
    if (isCut) return;
    const far = connect(Number(port), hostname);
    sockets.add(far);
    far.on('error', () => near.destroy());
    far.on('close', () => {
      sockets.delete(far);
      if (!isCut) near.destroy();
    });
    near.on('close', () => {
      if (!isCut) far.destroy();
    });
    near.on('data', (chunk) => isCut || far.write(chunk));
    far.on('data', (chunk) => isCut || near.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the line has no address');
  return {
    base: `http://127.0.0.1:${address.port}`,
    cut() {
      isCut = true;
    },
    mend() {
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
