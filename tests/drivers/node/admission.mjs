// The admission hook of tests/drivers/PROTOCOL.md.
import { WoolError } from '../../../bindings/node/dist/index.mjs';

/** Lets go whom the hook holds. */
const held = new Set();

export function releaseHeld() {
  for (const letGo of held) {
    letGo();
  }
  held.clear();
}

export async function admit({ routine, tag, inFlight, context, peer }) {
  switch (tag) {
    case 'busy':
      throw new WoolError('BUSY', 'the hook is busy');
    case 'refuse':
      throw new WoolError('PERMISSION_DENIED', `refused by the hook: ${routine}`);
    case 'alone':
      if (inFlight > 0) {
        throw new WoolError('PERMISSION_DENIED', `${inFlight} others in flight`);
      }
      return;
    case 'friends': {
      const who = context('conf', 'who');
      if (who !== 'friend') {
        throw new WoolError('PERMISSION_DENIED', `${typeof who === 'string' ? who : 'nobody'} is no friend`);
      }
      return;
    }
    case 'names':
      throw new WoolError('PERMISSION_DENIED', `called by ${peer.join(',') || 'nobody'}`);
    case 'throw':
      throw new Error('the hook throws');
    case 'hold':
      await new Promise((resolve) => held.add(resolve));
  }
}
