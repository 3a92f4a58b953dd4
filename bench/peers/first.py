"""From process start to the first vector, in sentence-transformers. usage: first.py MODEL_DIR"""
import os
import sys
import warnings

warnings.filterwarnings('ignore')
os.environ['HF_HUB_OFFLINE'] = '1'
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(sys.argv[1], device='cpu')
assert len(model.encode('How soon is the first vector here?')) > 0
