# The server: FHIR, CDS Hooks, OAuth, app and HL7v2 listener in one process. Build from the root of the repository.
FROM node:24-bookworm-slim AS build
WORKDIR /app
# The whole tree first: npm links the workspaces to these folders, and Node runs their TypeScript from there.
COPY . .
RUN npm ci
RUN npm run build --workspace @limen/smart-app
RUN npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production DATA_DIR=/data
WORKDIR /app
COPY --from=build /app /app
RUN install --directory --owner=node --group=node --mode=0700 /data
USER node
VOLUME /data
EXPOSE 8080 2575
# Node itself, not npm: it gets the signals, and it stops what it started.
CMD ["node", "start.ts"]
