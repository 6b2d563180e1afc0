import {
  All,
  Controller,
  type DynamicModule,
  Inject,
  Module,
  type ModuleMetadata,
  Req,
  Res,
  type Type,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { pipeResponse } from '@perdure/http/node';
import { type NestResponse, takeRaw, webRequest } from './nest-exchange.js';
import { PerdureHttp } from './perdure-http.js';

export interface PerdureRunsOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Below the global prefix; `runs` by default. Tell the option `http.runsPath` if it is another one. */
  readonly path?: string;
  /** Guards of the application, before `http.authorize` is asked. */
  readonly guards?: Parameters<typeof UseGuards>;
}

/**
 * The endpoints about runs, as a controller, so that guards, global prefix and the rest of the application apply to it:
 * status, result, events, cancel. They let nobody in until the option `http.authorize` says who may.
 *
 * @example
 * imports: [PerdureModule.forRoot({ http: { principal, authorize: 'owner' } }), PerdureRunsModule.forRoot()]
 */
@Module({})
export class PerdureRunsModule {
  static forRoot({ path = 'runs', guards = [], imports = [] }: PerdureRunsOptions = {}): DynamicModule {
    return { module: PerdureRunsModule, imports, controllers: [runsController(path, guards)] };
  }
}

function runsController(path: string, guards: Parameters<typeof UseGuards>): Type {
  @Controller({ path, version: VERSION_NEUTRAL })
  @UseGuards(...guards)
  class PerdureRunsController {
    readonly #http: PerdureHttp;

    constructor(@Inject(PerdureHttp) http: PerdureHttp) {
      this.#http = http;
    }

    @All([':id', ':id/:action'])
    async handle(@Req() request: object, @Res() response: NestResponse): Promise<void> {
      const asked = webRequest(request, response);
      const { params } = request as { readonly params: { readonly action?: string } };
      const segments = params.action === undefined ? 1 : 2;
      const basePath = new URL(asked.url).pathname.split('/').slice(0, -segments).join('/');
      const answer = await this.#http.idempotency.runs.handle(asked, { basePath, subject: request as never });
      await pipeResponse(takeRaw(response), answer);
    }
  }
  return PerdureRunsController;
}
