// CDS Hooks 2.0.1 services of Limen, to be mounted under /cds-services.
export { discovery } from './discovery.ts';
export type {
  CdsClient,
  CdsService,
  CdsServiceOptions,
  Feedback,
  FeedbackStore,
  HookFhirClient,
  HttpRequest,
  HttpResponse,
  ReplayStore,
} from './options.ts';
export { createCdsService } from './service.ts';
