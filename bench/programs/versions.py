import json, platform, torch, transformers, sentence_transformers
print(json.dumps(dict(torch=torch.__version__, transformers=transformers.__version__, sentenceTransformers=sentence_transformers.__version__, python=platform.python_version())))
