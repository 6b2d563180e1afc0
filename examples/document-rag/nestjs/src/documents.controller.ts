import { Body, Controller, Get, HttpCode, NotFoundException, Param, Post, Res } from '@nestjs/common';
import {
  type Answer,
  chat,
  createRun,
  findRun,
  modelFromEnvironment,
  type Progress,
} from '@perdure/example-document-rag-shared';
import { InjectWorkflow, type WorkflowOf } from '@perdure/nestjs';
import type { Response } from 'express';
import { Database } from './database.module.js';
import { IndexingWorkflow } from './indexing.workflow.js';
import { parseChatRequest, parseIndexRequest } from './requests.js';

@Controller()
export class DocumentsController {
  private readonly model = modelFromEnvironment(process.env);

  constructor(
    private readonly database: Database,
    @InjectWorkflow(IndexingWorkflow) private readonly indexing: WorkflowOf<typeof IndexingWorkflow>,
  ) {}

  @Post('index')
  @HttpCode(202)
  async index(@Body() body: unknown, @Res({ passthrough: true }) response: Response): Promise<{ id: string }> {
    const { urls } = parseIndexRequest(body);
    const id = await createRun(this.database.pool, urls);
    await this.indexing.with({ workflowId: id }).start(id, urls);
    response.location(`/runs/${id}`);
    return { id };
  }

  @Get('runs/:id')
  async run(@Param('id') id: string): Promise<Progress> {
    const progress = await findRun(this.database.pool, id);
    if (progress === null) throw new NotFoundException('There is no such run');
    return progress;
  }

  @Post('chat')
  @HttpCode(200)
  async chat(@Body() body: unknown): Promise<Answer> {
    const { message } = parseChatRequest(body);
    return await chat(this.database.pool, this.model, message);
  }
}
