# The inference service on an NVIDIA GPU: as inference-cpu, with the CUDA provider of ONNX Runtime. Build from the root of the repository.
FROM node:24-bookworm-slim AS build
ENV ONNXRUNTIME_NODE_INSTALL=cuda12
WORKDIR /app
# The provider's libraries are downloaded over HTTPS.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY . .
# Without scripts: the root's would build the app, which is not here. The one that is needed follows.
RUN npm ci --omit=dev --ignore-scripts --workspace @limen/ai-operations
RUN cd node_modules/onnxruntime-node && node script/install.js

# CUDA 12 and cuDNN 9, which the provider links to.
FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu22.04
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app /app
RUN useradd --system --no-create-home limen
USER limen
# It has no authentication: publish its port to loopback or to a network of the services only.
ENV INFERENCE_HOST=0.0.0.0 ALLOW_BIND=1
EXPOSE 8090
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8090/v2/health/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "ai-operations/sidecar/main.ts"]
