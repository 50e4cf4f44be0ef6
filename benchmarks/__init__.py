"""How fast is a search beside the limit of the machine and beside Ray's own guide?"""
