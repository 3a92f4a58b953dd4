/** Every option of the public API, its default and its check: each written once, here. */
export * from './options/load'
export * from './options/encode'
export * from './options/save'
export * from './options/predict'
export * from './options/train'
export * from './options/epoch'
export * from './options/fit'
