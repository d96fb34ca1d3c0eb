// What the page is given: report.json, the requirements it names, and a ladder for each case.

export type Verdict = 'passed' | 'failed' | 'error' | 'invalid' | 'skipped' | 'unsupported';

export interface Step {
  t?: number;
  expected: string;
  observed: string;
  held: boolean;
}

export interface CaseResult {
  id: string;
  suite: string;
  requirements: string[];
  sentence: string;
  client: string;
  gateway: string;
  verdict: Verdict;
  expected: string;
  observed: string;
  reason: string;
  steps: Step[];
  real_time: boolean;
  sim_s: number;
  machine: {
    wall_s: number;
    sim_s?: number;
    attempts?: number;
    metrics?: Record<string, number>;
    facts?: Record<string, string>;
    cpu_wait?: number;
    lateness?: { budget_s: number; median_s: number; p99_s: number; worst_s: number };
  };
  metrics: Record<string, number>;
  facts?: Record<string, string>;
  artifacts: { directory?: string; pcap?: string[]; events?: string; keys?: string[] };
}

export interface Report {
  schema: string;
  version: string;
  seed: number;
  inputs: Record<string, string>;
  machine: { started: string; wall_s: number };
  summary: {
    passed: number;
    failed: number;
    unsupported: number;
    skipped: number;
    errors: number;
    invalid: number;
    requirements: { total: number; covered: number; verified: number };
  };
  cases: CaseResult[];
}

export interface Requirement {
  document: string;
  section: string;
  text: string;
  strength: string;
  rows?: string[];
}

export interface Message {
  sent: number;
  arrived: number;
  from: string;
  to: string;
  exchange: string;
  id: number;
  response: boolean;
  repeated: boolean;
  payloads: string;
}

export interface Note {
  t: number;
  node: string;
  event: string;
  text: string;
}

export interface Ladder {
  messages: Message[];
  notes: Note[];
  cut: boolean;
}

export interface PageData {
  report: Report;
  requirements: Record<string, Requirement>;
  ladders: (Ladder | null)[];
}

// Worst first, as one wants to look at them.
export const verdicts: Verdict[] = ['failed', 'error', 'invalid', 'passed', 'skipped', 'unsupported'];

// Never by colour alone.
export const signs: Record<Verdict, string> = {
  passed: '✓',
  failed: '✕',
  error: '!',
  invalid: '~',
  skipped: '○',
  unsupported: '–',
};
