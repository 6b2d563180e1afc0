/** What a process of a shop is told. */
export interface ShopOptions {
  readonly url: string;
  readonly schema: string;
  /** Names the process in the ledger and in what it answers. */
  readonly label: string;
  readonly leaseMs: number;
  /** Where the ledger and the gates are. */
  readonly folder: string;
  readonly framework: string;
}
