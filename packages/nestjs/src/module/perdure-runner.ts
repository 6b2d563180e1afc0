import { Inject, Injectable, Optional } from '@nestjs/common';
import { DiscoveryService, HttpAdapterHost } from '@nestjs/core';
import { type Carrier, InvalidArgumentError, type LaunchOptions, Perdure } from '@perdure/core';
import { httpWorkflows, requestCarrier } from '@perdure/http';
import { closeGracefully, type CloseOptions } from '@perdure/http/node';
import type { Server } from 'node:http';
import { nestErrors } from '../http/http-errors.js';
import { getPerdureOptionsToken } from '../tokens.js';
import { exploreWorkflows } from '../workflows/workflow-explorer.js';
import { WorkflowHost } from '../workflows/workflow-host.js';
import { LatePerdure } from './late-perdure.js';
import type { PerdureModuleOptions } from './module-options.js';
import { nestLogger } from './nest-logger.js';

/** Launches the engine of an application, and shuts it down. */
@Injectable()
export class PerdureRunner {
  readonly #options: PerdureModuleOptions;
  readonly #discovery: DiscoveryService;
  readonly #late: LatePerdure;
  readonly #host: WorkflowHost;
  readonly #http: HttpAdapterHost | undefined;
  readonly #carriers: Carrier[] = [requestCarrier];
  #start: Promise<void> | null = null; // null = not begun
  #stop: Promise<void> | null = null; // null = not begun

  constructor(
    @Inject(getPerdureOptionsToken()) options: PerdureModuleOptions,
    @Inject(DiscoveryService) discovery: DiscoveryService,
    @Inject(LatePerdure) late: LatePerdure,
    @Inject(WorkflowHost) host: WorkflowHost,
    @Optional() @Inject(HttpAdapterHost) http?: HttpAdapterHost,
  ) {
    this.#options = options;
    this.#discovery = discovery;
    this.#late = late;
    this.#host = host;
    this.#http = http;
  }

  get isManual(): boolean {
    return this.#options.start === 'manual';
  }

  /**
   * Adds a carrier to those of the options, for modules that know of one.
   *
   * @throws {InvalidArgumentError} once the engine is launched
   */
  carry(carrier: Carrier): void {
    if (this.#start !== null) {
      throw new InvalidArgumentError(
        `The carrier "${carrier.name}" comes too late: the engine is launched. Add it in the factory or the constructor of a provider.`,
      );
    }
    this.#carriers.push(carrier);
  }

  /** Finds the workflows and launches the engine, once; Nest does so itself, unless `start` is `manual`. */
  async start(): Promise<void> {
    this.#start ??= this.#launch();
    await this.#start;
  }

  /**
   * Lets no new connection in, gives the requests under way their time, hands the runs over, and answers whoever still waits,
   * once; Nest does so itself when the application is closed.
   */
  async stop(options: CloseOptions = {}): Promise<void> {
    this.#stop ??= this.#shutdown(options);
    await this.#stop;
  }

  async #launch(): Promise<void> {
    const { http: _http, start: _start, shutdown: _shutdown, launch, workflows, ...options } = this.#options;
    const { perdure } = this.#late;
    this.#host.open(exploreWorkflows(this.#discovery), perdure);
    const launchOptions: LaunchOptions = {
      ...options,
      logger: options.logger ?? nestLogger(),
      errors: [...new Set([...nestErrors, ...(options.errors ?? [])])],
      carriers: [...new Set([...this.#carriers, ...(options.carriers ?? [])])],
      privateWorkflows: this.#host.workflows,
      ...(workflows === undefined ? {} : { workflows: [...httpWorkflows(), ...workflows] }),
    };
    try {
      this.#late.launched(await (launch ?? ((it) => Perdure.launch(it)))(launchOptions));
    } catch (error) {
      this.#host.close();
      throw error;
    }
  }

  async #shutdown(options: CloseOptions): Promise<void> {
    // An application may be closed while it still starts, or without ever having been started.
    await this.#start?.catch(() => {});
    if (this.#late.isLaunched) {
      const closing = { ...this.#options.shutdown, ...options };
      const server = this.#http?.httpAdapter?.getHttpServer?.() as Server | undefined;
      if (server?.listening === true) await closeGracefully(server, this.#late.perdure, closing);
      else await this.#late.perdure.shutdown({ drainMs: closing.drainMs ?? '10s' });
    }
    this.#host.close();
  }
}
