# The inference service on the CPU: Open Inference Protocol v2 over ONNX Runtime. Build from the root of the repository.
FROM node:24-bookworm-slim
ENV NODE_ENV=production ONNXRUNTIME_NODE_INSTALL=skip
WORKDIR /app
COPY . .
# Without scripts: the root's would build the app, which is not here.
RUN npm ci --omit=dev --ignore-scripts --workspace @limen/ai-operations
USER node
# It has no authentication: publish its port to loopback or to a network of the services only.
ENV INFERENCE_HOST=0.0.0.0 ALLOW_BIND=1
EXPOSE 8090
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:8090/v2/health/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "ai-operations/sidecar/main.ts"]
