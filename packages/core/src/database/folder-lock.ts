export class FolderLock {
  static async acquire(_folder: string): Promise<FolderLock> {
    return new FolderLock();
  }
  async release(): Promise<void> {}
}
