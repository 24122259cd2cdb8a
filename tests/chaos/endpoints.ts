// Endpoints as their holders know them: what was registered, under which secrets, and all that came there. Plain, so that
// it can be written down, judged, and lied about.

/** How an endpoint is registered. */
export interface EndpointPlan {
  /** `choosy`: a driver of somebody's own, whose receivers refuse some events for good. */
  readonly driver: 'webhook' | 'choosy';
  /** Null: all. */
  readonly eventTypes: readonly string[] | null;
}

/** Times by the wall clock, ms. */
export interface KnownSecret {
  readonly id: string;
  readonly text: string;
  /** When its holder was told it. */
  readonly since: number;
  /** As the switch has said: until when it signs. Null: for ever. */
  until: number | null;
}

/** One event as it came once. */
export interface Posting {
  readonly eventId: string;
  readonly billId: string;
  readonly no: number;
  readonly type: string;
  readonly at: number;
  /** When it was sent, as it says itself, to the second. */
  readonly sentAt: number;
  /** Places of the known secrets that it verifies with. */
  readonly signedBy: number[];
  /** `refused`: for good, unless an operator has it sent again. */
  readonly outcome: 'taken' | 'refused' | 'failed';
}

export interface EndpointStory {
  /** Empty until its registration is known. */
  id: string;
  /** `terminal:<id>`, `paychannel:<id>` or `merchant:<id>`. */
  readonly holder: string;
  /** Whose events it gets. */
  readonly recipients: readonly string[];
  readonly plan: EndpointPlan;
  readonly secrets: KnownSecret[];
  readonly postings: Posting[];
  /** Dead letters that were listed to an operator, and when. */
  readonly dead: { readonly eventId: string; readonly at: number }[];
  /** When somebody began to have an event sent again. */
  readonly resent: { readonly eventId: string; readonly at: number }[];
  /** When its holder began to take it away. */
  closedAt: number | null;
}

export const PLAIN: EndpointPlan = { driver: 'webhook', eventTypes: null };
const PICKY: EndpointPlan = {
  driver: 'webhook',
  eventTypes: ['bill.paid', 'payment.received', 'credit.requested', 'credit.settled'],
};
export const CHOOSY: EndpointPlan = { driver: 'choosy', eventTypes: null };
/** Endpoints of those who have their events posted all the time, in turn. */
export const PLANS: readonly (readonly EndpointPlan[])[] = [
  [PLAIN],
  [PLAIN, PICKY],
  [PLAIN, CHOOSY],
  [CHOOSY],
];
